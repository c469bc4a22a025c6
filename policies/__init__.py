"""What a team holds every program of Stratos to."""
