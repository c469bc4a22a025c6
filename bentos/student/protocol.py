"""What a client may ask, as OpenAI documents it, and the error body that answers a wrong request."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .sampling import Sampling

MOST_CHOICES = 128
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
StopString = Annotated[str, Field(min_length=1)]
Asked = TypeVar("Asked", bound="Request")


class ApiError(Exception):
    """A refusal with OpenAI's error body."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, kind: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        error_type = kind or ("invalid_request_error" if status < 500 else "server_error")
        self.body = {"error": {"message": message, "type": error_type, "param": param, "code": code}}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


class StreamOptions(_Strict):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Request(_Strict):
    """What both kinds of request have in common. None stands for OpenAI's default."""

    model: str
    n: int | None = Field(None, ge=1, le=MOST_CHOICES)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    seed: Int64 | None = None
    stop: StopString | list[StopString] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    user: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Request:
        if isinstance(self.stop, list) and len(self.stop) > 4:
            raise ValueError("stop: at most 4 strings may be given")
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options: only allowed when stream is true")
        return self

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def top(self) -> int | None:
        """How many likeliest tokens to report at each place; None without log probabilities."""
        raise NotImplementedError

    def sampling(self, max_tokens: int, vocabulary_size: int) -> Sampling:
        """Raises ApiError for a bias on a token that there is not."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(
            max_tokens=max_tokens,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            seed=self.seed,
            stop=stop,
            presence_penalty=self.presence_penalty or 0.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            logit_bias=_biases(self.logit_bias or {}, vocabulary_size),
            top_logprobs=self.top(),
        )


class TextPart(_Strict):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    """One message of a conversation. What assistants' messages carry besides text comes back from clients: ignored."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart] | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Message:
        if self.content is None and self.role != "assistant":
            raise ValueError("content: a message needs a string or a list of text parts")
        return self

    def plain(self) -> dict[str, str]:
        """Role and text as chat templates know them, where `developer` is the newer name of `system`."""
        parts = self.content if isinstance(self.content, list) else []
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in parts)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class TextFormat(_Strict):
    type: Literal["text"]


class ChatRequest(Request):
    """POST /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: TextFormat | None = None
    modalities: list[Literal["text"]] | None = None
    metadata: dict[str, str] | None = None
    store: Literal[False] | None = None
    service_tier: Literal["auto", "default"] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    @model_validator(mode="after")
    def _logprobs_first(self) -> ChatRequest:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs: only allowed when logprobs is true")
        return self

    @property
    def limit(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    def top(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None


class CompletionRequest(Request):
    """POST /v1/completions."""

    prompt: str | list[str] | list[int] | list[list[int]]
    max_tokens: int | None = Field(None, ge=0)
    logprobs: int | None = Field(None, ge=0, le=5)
    echo: bool | None = None
    best_of: int | None = None
    suffix: str | None = None

    @model_validator(mode="after")
    def _supported(self) -> CompletionRequest:
        if self.suffix:
            raise ValueError("suffix: inserting text is not supported by this model")
        if self.best_of is not None and self.best_of != self.choices:
            raise ValueError("best_of: choosing among several answers is not supported; leave it out")
        if self.max_tokens == 0 and not self.echo:
            raise ValueError("max_tokens: 0 is only allowed when echo is true")
        if not self.prompt and self.prompt != "":
            raise ValueError("prompt: the list is empty")
        return self

    @property
    def limit(self) -> int:
        return 16 if self.max_tokens is None else self.max_tokens

    @property
    def prompts(self) -> list[str | list[int]]:
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt[0], int):
            return [[token for token in self.prompt if isinstance(token, int)]]
        return [prompt for prompt in self.prompt if not isinstance(prompt, int)]

    def top(self) -> int | None:
        return self.logprobs


def parse(kind: type[Asked], body: bytes) -> Asked:
    """The request in `body`. Raises ApiError (400) that names the argument that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> ApiError:
    first = error.errors(include_url=False)[0]
    path = [part for part in first["loc"] if isinstance(part, int) or part in _NAMES or len(first["loc"]) == 1]
    param = ".".join(str(part) for part in path) or None
    match first["type"]:
        case "json_invalid":
            return ApiError(400, f"The body is not valid JSON: {first['ctx']['error']}.")
        case "model_type" if not path:
            return ApiError(400, "The body must be a JSON object.")
        case "extra_forbidden":
            return ApiError(400, f"Unrecognized request argument: {param}", param=param, code="unknown_parameter")
        case "missing":
            code = "missing_required_parameter"
            return ApiError(400, f"Missing required argument: {param}", param=param, code=code)
        case "value_error":
            name, _, message = str(first["ctx"]["error"]).partition(": ")
            param = f"{param}.{name}" if param else name
            return ApiError(400, f"Invalid value for '{param}': {message}.", param=param, code="invalid_value")
        case kind:
            code = "invalid_type" if kind.endswith("_type") else "invalid_value"
            return ApiError(400, f"Invalid value for '{param}': {first['msg']}.", param=param, code=code)


def _biases(biases: dict[str, float], vocabulary_size: int) -> dict[int, float]:
    for token in biases:
        if not (token.isascii() and token.isdigit() and int(token) < vocabulary_size):
            raise ApiError(400, f"Invalid token in 'logit_bias': {token!r}.", param="logit_bias", code="invalid_value")
    return {int(token): bias for token, bias in biases.items()}


_NAMES = frozenset(
    name for kind in (ChatRequest, CompletionRequest, Message, TextPart, StreamOptions) for name in kind.model_fields
)
