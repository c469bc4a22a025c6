"""The BentoML service of a distilled student: OpenAI's API over one verified artifact, without Stratos installed."""
