"""OpenAI's own client against a really served student."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from tiny_student import CONTEXT, KEY, Served, write_keys

PROMPTS = ["123m456p789s1122z", "hällo", "abcabc", "漢字🀄", "q"]
NO_END = dict.fromkeys("0123", -100)


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def _chat(client: openai.OpenAI, content: str, **arguments: Any) -> Any:
    return client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": content}], **({"temperature": 0} | arguments)
    )


def _streamed(chunks: Any, choice: int = 0) -> str:
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices if c.index == choice)


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_chat_is_what_transformers_writes(served: Served, client: openai.OpenAI, prompt: str) -> None:
    tokens = served.chat_tokens(prompt)
    expected = served.greedy(tokens, 20)
    answer = _chat(client, prompt, max_tokens=20)
    assert answer.choices[0].message.content == served.text(expected)
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage.prompt_tokens == len(tokens)
    assert answer.usage.completion_tokens == len(expected)
    assert answer.usage.total_tokens == len(tokens) + len(expected)
    assert answer.choices[0].finish_reason == ("length" if len(expected) == 20 else "stop")


def test_greedy_completions_are_what_transformers_writes(served: Served, client: openai.OpenAI) -> None:
    tokens = [list(served.tokenizer(prompt)["input_ids"]) for prompt in PROMPTS]
    expected = [served.text(served.greedy(prompt, 16)) for prompt in tokens]
    from_text = client.completions.create(model="tiny", prompt=PROMPTS, temperature=0)
    from_tokens = client.completions.create(model="tiny", prompt=tokens, temperature=0)
    alone = client.completions.create(model="tiny", prompt=tokens[0], temperature=0)
    assert [choice.text for choice in from_text.choices] == expected
    assert [choice.text for choice in from_tokens.choices] == expected
    assert [choice.index for choice in from_text.choices] == list(range(len(PROMPTS)))
    assert alone.choices[0].text == expected[0]
    assert from_text.usage is not None
    assert from_text.usage.prompt_tokens == sum(map(len, tokens))


def test_an_answer_without_a_limit_is_as_long_as_the_artifact_says(client: openai.OpenAI) -> None:
    answer = _chat(client, "x", logit_bias=NO_END)
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (24, "length")


def test_an_answer_ends_where_the_context_ends(served: Served, client: openai.OpenAI) -> None:
    prompt = "y" * 200
    answer = _chat(client, prompt, max_tokens=CONTEXT, logit_bias=NO_END)
    assert answer.usage.total_tokens == CONTEXT
    assert answer.choices[0].finish_reason == "length"


def test_text_parts_and_earlier_turns_are_read(served: Served, client: openai.OpenAI) -> None:
    parts: Any = [{"type": "text", "text": "he"}, {"type": "text", "text": "llo"}]
    earlier: Any = {"role": "assistant", "content": "abc", "refusal": None, "tool_calls": None, "annotations": []}
    messages: list[Any] = [
        {"role": "developer", "content": "sys"}, {"role": "user", "content": parts}, earlier,
        {"role": "user", "content": "q", "name": "me"},
    ]  # fmt: skip
    answer = client.chat.completions.create(model="tiny", messages=messages, temperature=0, max_completion_tokens=8)
    tokens = list(served.tokenizer("sys<user>hello<assistant>abc<user>q<assistant>")["input_ids"])
    assert answer.choices[0].message.content == served.text(served.greedy(tokens, 8))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_stream_is_the_whole_answer_in_parts(client: openai.OpenAI, prompt: str) -> None:
    whole = _chat(client, prompt, max_tokens=20)
    chunks = list(_chat(client, prompt, max_tokens=20, stream=True, stream_options={"include_usage": True}))
    assert _streamed(chunks) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    finishes = [chunk.choices[0].finish_reason for chunk in chunks[:-1]]
    assert finishes == [None] * (len(finishes) - 1) + [whole.choices[0].finish_reason]


def test_a_stream_ends_with_done(served: Served) -> None:
    body = {"model": "tiny", "prompt": "x", "max_tokens": 2, "stream": True}
    response = served.post("/v1/completions", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("data: [DONE]\n\n")
    assert '"usage"' not in response.text


def test_streamed_completions(client: openai.OpenAI) -> None:
    arguments: dict[str, Any] = {"model": "tiny", "prompt": PROMPTS, "temperature": 0, "max_tokens": 9, "n": 2}
    whole = client.completions.create(**arguments)
    texts = [""] * len(whole.choices)
    for chunk in client.completions.create(**arguments, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in whole.choices]


def test_equal_seeds_give_equal_choices(client: openai.OpenAI) -> None:
    def sample(seed: int, **arguments: Any) -> list[str]:
        settings = {"n": 3, "seed": seed, "temperature": 1.5, "max_tokens": 12} | arguments
        return [choice.message.content for choice in _chat(client, "hi", **settings).choices]

    first = sample(11)
    assert len(set(first)) == 3
    assert sample(11) == first
    assert sample(12) != first
    streamed = list(_chat(client, "hi", n=3, seed=11, temperature=1.5, max_tokens=12, stream=True))
    assert [_streamed(streamed, index) for index in range(3)] == first
    assert sample(5, top_p=0.9) == sample(5, top_p=0.9)


def test_a_tiny_nucleus_is_greedy(client: openai.OpenAI) -> None:
    greedy = _chat(client, "nucleus", max_tokens=12).choices[0].message.content
    for top_p in (0, 1e-9):
        assert _chat(client, "nucleus", max_tokens=12, temperature=1, top_p=top_p).choices[0].message.content == greedy


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_cut_before_a_stop_string_that_spans_tokens(client: openai.OpenAI, stream: bool) -> None:
    text = _chat(client, "stop", max_tokens=24, logit_bias=NO_END).choices[0].message.content
    stop = text[5:8]
    expected = text[: text.index(stop)]
    settings: dict[str, Any] = {"max_tokens": 24, "logit_bias": NO_END, "stop": ["never there", stop]}
    answer = _chat(client, "stop", stream=stream, logprobs=True, **settings)
    if stream:
        chunks = list(answer)
        assert _streamed(chunks, 0) == expected
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        assert answer.choices[0].message.content == expected
        assert answer.choices[0].finish_reason == "stop"
        scored = b"".join(bytes(score.bytes) for score in answer.choices[0].logprobs.content)
        assert scored.decode("utf-8", "replace").startswith(expected)


def test_chat_logprobs_are_the_models(served: Served, client: openai.OpenAI) -> None:
    import torch

    answer = _chat(client, "abc", max_tokens=10, logprobs=True, top_logprobs=4, logit_bias=NO_END)
    scores = answer.choices[0].logprobs.content
    assert len(scores) == answer.usage.completion_tokens == 10
    text = b"".join(bytes(score.bytes) for score in scores).decode("utf-8", "replace")
    assert text == answer.choices[0].message.content
    with torch.inference_mode():
        logits = served.model(torch.tensor([served.chat_tokens("abc")])).logits[0, -1]
    expected = logits.double().log_softmax(-1).topk(4).values.tolist()
    assert [top.logprob for top in scores[0].top_logprobs] == pytest.approx(expected, abs=1e-4)
    assert scores[0].logprob == pytest.approx(expected[0], abs=1e-4)
    chunks = list(_chat(client, "abc", max_tokens=10, logprobs=True, top_logprobs=4, logit_bias=NO_END, stream=True))
    streamed = [s for chunk in chunks if chunk.choices[0].logprobs for s in chunk.choices[0].logprobs.content]
    assert streamed == scores


def test_completion_logprobs_and_echo(client: openai.OpenAI) -> None:
    settings: dict[str, Any] = {"model": "tiny", "temperature": 0, "logit_bias": NO_END, "logprobs": 2}
    answer = client.completions.create(prompt="abcx", max_tokens=3, echo=True, **settings).choices[0]
    assert answer.text.startswith("abcx")
    assert answer.logprobs is not None
    assert answer.logprobs.tokens is not None
    assert answer.logprobs.token_logprobs is not None
    assert answer.logprobs.tokens[:2] == ["abc", "x"]
    assert answer.logprobs.token_logprobs[0] is None
    assert answer.logprobs.text_offset == [0, 3, 4, *answer.logprobs.text_offset[3:]]
    scored = client.completions.create(prompt="abcx", max_tokens=0, echo=True, **settings)
    assert scored.choices[0].text == "abcx"
    assert scored.choices[0].logprobs is not None
    assert scored.choices[0].logprobs.token_logprobs == answer.logprobs.token_logprobs[:2]
    assert scored.usage is not None
    assert scored.usage.completion_tokens == 0


def test_biases_and_penalties_change_what_is_written(served: Served, client: openai.OpenAI) -> None:
    token = served.tokenizer.convert_tokens_to_ids("abc")
    answer = _chat(client, "x", max_tokens=4, logit_bias={str(token): 100})
    assert answer.choices[0].message.content == "abcabcabcabc"
    penalised = _chat(client, "x", max_tokens=4, logit_bias={str(token): 12}, frequency_penalty=2, presence_penalty=2)
    assert penalised.choices[0].message.content != "abcabcabcabc"


@pytest.mark.parametrize(
    ("changed", "param", "code"),
    [
        ({"messages": None}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "invalid_value"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role", "invalid_value"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, None, None),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"top_p": -0.1}, "top_p", "invalid_value"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 1.5}, "n", None),
        ({"n": True}, "n", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "invalid_value"),
        ({"max_tokens": CONTEXT + 1}, "messages", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": "z" * CONTEXT}]}, "messages", "context_length_exceeded"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "invalid_value"),
        ({"stop": ""}, "stop", "invalid_value"),
        ({"seed": "x"}, "seed", "invalid_type"),
        ({"top_logprobs": 2}, "top_logprobs", "invalid_value"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "invalid_value"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
        ({"logit_bias": {"999999": 1}}, "logit_bias", "invalid_value"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "invalid_value"),
        ({"presence_penalty": 2.5}, "presence_penalty", "invalid_value"),
        ({"response_format": {"type": "json_object"}}, None, "invalid_value"),
        ({"tools": []}, "tools", "unknown_parameter"),
        ({"best": 1}, "best", "unknown_parameter"),
    ],
)
def test_wrong_chat_requests_name_what_is_wrong(
    served: Served, changed: dict[str, Any], param: str | None, code: str | None
) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1} | changed
    response = served.post("/v1/chat/completions", json=body)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert param is None or error["param"] == param
    assert code is None or error["code"] == code


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": [10**6]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": "x" * (CONTEXT + 1)}, "prompt"),
        ({"prompt": ["x"] * 65, "n": 2}, "n"),
        ({"logprobs": 6}, "logprobs"),
        ({"best_of": 3}, "best_of"),
        ({"suffix": "end"}, "suffix"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_wrong_completion_requests_name_what_is_wrong(served: Served, changed: dict[str, Any], param: str) -> None:
    response = served.post("/v1/completions", json={"model": "tiny", "prompt": "x", "max_tokens": 1} | changed)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param


def test_the_client_raises_its_own_errors(served: Served, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        _chat(client, "x", n=0)
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "x"}])
    assert caught.value.code == "model_not_found"
    with (
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        stranger.models.list()
    assert refused.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "/v1/chat/completions", b"{", 400),
        ("POST", "/v1/chat/completions", b"[]", 400),
        ("POST", "/v1/chat/completions", b"[" * 100_000, 400),
        ("POST", "/v1/chat/completions", b"\xff\xfe", 400),
        ("POST", "/v1/completions", b'{"model":"tiny","prompt":"\\ud800"}', 400),
        ("POST", "/v1/completions", b'{"model":"tiny","prompt":"x","temperature":NaN}', 400),
        ("POST", "/v1/completions", b" " * (5 * 2**20), 413),
        ("POST", "/v1/embeddings", b"{}", 404),
        ("GET", "/v1/chat/completions", b"", 405),
        ("DELETE", "/v1/models/tiny", b"", 405),
    ],
)
def test_every_refusal_has_the_error_body(served: Served, method: str, path: str, content: bytes, status: int) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    response = served.http.request(method, path, content=content, headers=headers)
    assert response.status_code == status, response.text
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_only_health_and_metrics_are_open(served: Served) -> None:
    assert {path: served.http.get(path).status_code for path in ("/readyz", "/livez", "/metrics")} == {
        "/readyz": 200, "/livez": 200, "/metrics": 200,
    }  # fmt: skip
    for path in ("/", "/docs.json", "/schema.json", "/v1/models", "/v1/nothing", "//v1/models", "/v1/../v1/models"):
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {KEY}"}, {"Authorization": KEY}):
            response = served.http.get(served.url + path, headers=headers)
            assert response.status_code == 401, path
            assert response.json()["error"]["code"] == "invalid_api_key"


def test_keys_change_without_a_restart(served: Served) -> None:
    def status(key: str) -> int:
        return served.http.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code

    try:
        write_keys(served.keys_file, "a", "another")
        assert [status(key) for key in (KEY, "a", "another")] == [401, 200, 200]
        served.keys_file.write_text("{")
        assert status("a") == 401
        served.keys_file.unlink()
        assert status("a") == 401
    finally:
        write_keys(served.keys_file, KEY)
    assert status(KEY) == 200


def test_concurrent_clients_get_the_answers_they_get_alone(client: openai.OpenAI) -> None:
    prompts = [f"{prompt * (index + 1)}{index}" for index in range(4) for prompt in PROMPTS]

    def ask(prompt: str) -> str:
        return str(_chat(client, prompt, max_tokens=8 + 3 * (len(prompt) % 5)).choices[0].message.content)

    alone = [ask(prompt) for prompt in prompts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, prompts)) == alone


def test_a_client_that_goes_away_makes_room(client: openai.OpenAI) -> None:
    settings: dict[str, Any] = {"model": "tiny", "prompt": "x", "n": 128, "max_tokens": 240, "logit_bias": NO_END}
    streams = [client.completions.create(**settings, stream=True) for _ in range(4)]
    for stream in streams:
        next(iter(stream))
    with pytest.raises(openai.RateLimitError):
        client.completions.create(model="tiny", prompt="x", max_tokens=1)
    for stream in streams:
        stream.close()
    patient = client.with_options(max_retries=10)
    assert patient.completions.create(model="tiny", prompt="x", max_tokens=1).usage is not None
