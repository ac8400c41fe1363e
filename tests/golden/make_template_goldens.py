#!/usr/bin/env python3
"""Chat templates, token ids and assistant masks as transformers 4.57.3 makes them: tests/golden/templates/cases.json.

    python tests/golden/make_template_goldens.py

The tokenizer is recipes/quickstart/tokenizer (Phi-3's special tokens and flags). Masks come from transformers' own generation mask
(return_assistant_tokens_mask over a template with {% generation %} around what is trained). One difference is taken out on purpose: transformers also marks
the role token <|assistant|> when it swallowed leading white space of the answer; here a token counts only if it begins inside the answer. And transformers finds nothing in a text that begins with an answer (its first token has number 0): no mask
is written for those.
"""
import json
from pathlib import Path

from transformers import AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
NL = "\n"
GEN, END = "{% generation %}", "{% endgeneration %}"


def mini(system: str, start: str = "") -> str:
    return (start + "{% for message in messages %}{% if message['role'] == 'system'" + system + " %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}"
            "{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
            "{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}")


MEDIUM = ("{% for message in messages %}{% if (message['role'] == 'user') %}{{'<|user|>' + '\n' + message['content'] + '<|end|>' + '\n' + '<|assistant|>' + '\n'}}"
          "{% elif (message['role'] == 'assistant') %}{{message['content'] + '<|end|>' + '\n'}}{% endif %}{% endfor %}")
SMALL = ("{{ bos_token }}{% for message in messages %}{{'<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}")
VISION = ("{% for message in messages %}{{'<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
          "{% if add_generation_prompt and messages[-1]['role'] != 'assistant' %}{{- '<|assistant|>\n' -}}{% endif %}")
TEMPLATES = {"phi-3-mini": mini(""), "phi-3.5": mini(" and message['content']"), "phi-3-medium": MEDIUM, "phi-3-small": SMALL, "phi-3-vision": VISION,
             "phi-3-mini-2024-04": "{{ bos_token }}" + MEDIUM}
# Other spellings of the same templates, as files in circulation have them.
SPELLINGS = {"phi-3-mini": [mini("").replace("\n", "\\n"), mini("") + "\n", mini("").replace("{% ", "{%").replace("'", '"')],
             "phi-3-medium": [MEDIUM.replace("(", "").replace(")", ""), MEDIUM.replace("' + '", "")],
             "phi-3.5": ["{%- for message in messages -%}\n    {%- if message['role'] == 'system' and message['content'] -%}\n        {{-'<|system|>\\n' + message['content'] + '<|end|>\\n'-}}\n"
                         "    {%- elif message['role'] == 'user' -%}\n        {{-'<|user|>\\n' + message['content'] + '<|end|>\\n'-}}\n    {%- elif message['role'] == 'assistant' -%}\n"
                         "        {{-'<|assistant|>\\n' + message['content'] + '<|end|>\\n'-}}\n    {%- endif -%}\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n    {{- '<|assistant|>\\n' -}}\n"
                         "{%- else -%}\n    {{- eos_token -}}\n{%- endif -%}\n"]}
UNKNOWN = [mini("").replace("<|end|>", "<|stop|>"), "{% for message in messages %}{{ message['content'] }}{% endfor %}", MEDIUM.replace("\n", " ")]


def with_generation(name: str) -> str:
    """The same text, with what is trained between generation marks."""
    answer = GEN + "{{ message['content'] + '<|end|>' }}" + END + "{{ '\n' }}"
    closing = "{% if messages[-1]['role'] == 'assistant' %}" + GEN + "{{ eos_token }}" + END + "{% else %}{{ eos_token }}{% endif %}"
    text = TEMPLATES[name]
    if name in ("phi-3-mini", "phi-3.5"):
        text = text.replace("{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}", "{{'<|assistant|>\n'}}" + answer)
    elif name in ("phi-3-small", "phi-3-vision"):
        every = "{{'<|' + message['role'] + '|>' + '\n' + message['content'] + '<|end|>\n' }}"
        text = text.replace(every, "{% if message['role'] == 'assistant' %}{{'<|assistant|>\n'}}" + answer + "{% else %}" + every + "{% endif %}")
    else:
        text = text.replace("{{message['content'] + '<|end|>' + '\n'}}", answer)
    return text.replace("{% else %}{{ eos_token }}{% endif %}", "{% else %}" + closing + "{% endif %}")


def chat(*turns: str) -> list:
    names = {"s": "system", "u": "user", "a": "assistant"}
    return [{"role": names[turn[0]], "content": turn[2:]} for turn in turns]


CHATS = [
    chat("u:Hello", "a:Hi there"),
    chat("s:You are a helpful assistant.", "u:What is 2+2?", "a:2+2 is 4."),
    chat("s:", "u:Sort: pear, cat", "a:cat, pear"),
    chat("u:Repeat: fox sun", "a:fox sun", "u:Now in upper case.", "a:FOX SUN"),
    chat("u:  leading and trailing  ", "a:  white space\n\n"),
    chat("u:\tdef f(x):\n\t\treturn x\n", "a:\n\ncode\n"),
    chat("u:na\u00efve caf\u00e9 \u4f60\u597d \U0001f600", "a:\u00fc\u3000\u00a0x \U0001f468\u200d\U0001f469\u200d\U0001f467"),
    chat("u:empty answer", "a:"),
    chat("u:", "a:empty question"),
    chat("u:no answer yet"),
    chat("a:an answer first", "u:then a question"),
    chat("u:system", "s:in the middle", "a:of a chat", "s:and at the end"),
    chat("a:one", "a:two in a row"),
    chat("s:only a system message"),
]


def main() -> None:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "recipes/quickstart/tokenizer")
    assistant = tokenizer.convert_tokens_to_ids("<|assistant|>")
    cases = []
    for name in TEMPLATES:
        for messages in CHATS:
            for prompt in (False, True):
                tokenizer.chat_template = TEMPLATES[name]
                text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
                ids = tokenizer.apply_chat_template(messages, add_generation_prompt=prompt) if text else []
                case = {"template": name, "messages": messages, "add_generation_prompt": prompt, "text": text, "ids": ids}
                if not prompt and text and not (messages[0]['role'] == 'assistant' and name == 'phi-3-medium'):
                    tokenizer.chat_template = with_generation(name)
                    marked = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
                    assert marked["input_ids"] == ids, (name, messages)
                    case["mask"] = [0 if token == assistant else mask for token, mask in zip(ids, marked["assistant_masks"])]
                cases.append(case)
    output = ROOT / "tests/golden/templates/cases.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    jinja = [{"name": name, "text": text} for name in TEMPLATES for text in [TEMPLATES[name]] + SPELLINGS.get(name, [])] + [{"name": None, "text": text} for text in UNKNOWN]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    output.write_text('{"jinja":' + json.dumps(jinja, ensure_ascii=False) + ',\n"cases":[\n' + lines + "\n]}\n", encoding="utf-8")
    print(f"{len(cases)} cases, {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
