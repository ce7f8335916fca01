"""The estimate of tokens is never below what real tokenizers count, and for English hardly above."""

from __future__ import annotations

import base64
import json
import random

import bpe_openai
import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from syndarix_obs_read.mcp.token_estimate import estimate, surely_more

_random = random.Random(7)
ENGLISH = (
    "The customer asked for a refund because the carrier did not answer within five seconds. The agent decided to "
    "escalate, since the policy does not cover cancellations after departure; a supervisor approved the exception. "
)
TEXTS = {
    "English": ENGLISH,
    "German": "Die Rückerstattung Ihrer Reiseversicherungsprämie wurde abgelehnt, weil die Stornierungsbedingungen "
    "nach der Abreise keine Ausnahme vorsehen. Bitte wenden Sie sich an unsere Beschwerdeabteilung. ",
    "French": "Le remboursement a été refusé parce que le transporteur n'a pas répondu à temps ; l'agent a décidé de "
    "transmettre la réclamation à un responsable, conformément aux conditions générales. ",
    "Polish": "Zwrot pieniędzy został odrzucony, ponieważ przewoźnik nie odpowiedział w ciągu pięciu sekund, a "
    "ubezpieczenie bagażu nie obejmuje opóźnień; prosimy o zgłoszenie się do działu reklamacji. ",
    "Dutch": "De terugbetaling werd geweigerd omdat de vervoerder niet binnen vijf seconden antwoordde en de "
    "annuleringsvoorwaarden geen uitzondering toestaan; neem contact op met de klachtenafdeling. ",
    "Finnish": "Maksun palautus hylättiin, koska kuljetusyhtiö ei vastannut viidessä sekunnissa eivätkä "
    "peruutusehdot salli poikkeusta lähdön jälkeen. ",
    "Turkish": "Taşıyıcı beş saniye içinde yanıt vermediği için iade talebi reddedildi; temsilci, iptal koşulları "
    "nedeniyle konuyu yöneticisine iletmeye karar verdi. ",
    "Vietnamese": "Yêu cầu hoàn tiền bị từ chối vì hãng vận chuyển không trả lời trong vòng năm giây. ",
    "Russian": "В возврате денег отказано, потому что перевозчик не ответил в течение пяти секунд. ",
    "Greek": "Η επιστροφή χρημάτων απορρίφθηκε επειδή ο μεταφορέας δεν απάντησε εγκαίρως. ",
    "Arabic": "رُفض طلب استرداد المبلغ لأن شركة النقل لم ترد خلال خمس ثوان. ",
    "Hebrew": "בקשת ההחזר נדחתה כי המוביל לא ענה בתוך חמש שניות. ",
    "Hindi": "वाहक ने पाँच सेकंड के भीतर उत्तर नहीं दिया, इसलिए धनवापसी अस्वीकार कर दी गई। ",
    "Thai": "คำขอคืนเงินถูกปฏิเสธเพราะบริษัทขนส่งไม่ตอบภายในห้าวินาที ",
    "Chinese": "由于承运人在五秒内没有答复,退款申请被拒绝。请联系我们的投诉部门。",
    "Japanese": "運送会社が五秒以内に応答しなかったため、返金の申請は却下されました。もう一度お試しください。",
    "Korean": "운송사가 5초 안에 응답하지 않아 환불 요청이 거부되었습니다. 다시 시도해 주세요. ",
    "JSON": json.dumps({
        "trace_id": "36081eda1c6fd24aa5a3d43f3dfe2027", "name": "invoke_agent triage", "status": "ok", "depth": 3,
        "error_type": None, "started": "2026-03-01T14:30:00.250000Z", "cost_usd": "0.000123", "tokens": [105, 20, 0],
    }, separators=(",", ":")),
    "JSON in JSON": json.dumps({"arguments": json.dumps({"order_id": "#W2611340", "items": ["1615379700"]})}),
    "Python": "def refund(order: Order, *, reason: str) -> Decimal:\n    if order.status != 'shipped':\n        raise "
    "RefundError(f'{order.id} cannot be refunded: {reason!r}')\n    return order.total_usd\n",
    "SQL": "SELECT r.trace_id, sum(r.duration_ns) FROM records r WHERE r.kind = 'tool_call' GROUP BY 1 LIMIT 20;\n",
    "base64": base64.b64encode(_random.randbytes(300)).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(_random.randbytes(300)).decode(),
    "short ids": " ".join(base64.b64encode(_random.randbytes(9)).decode() for _ in range(40)),
    "hexadecimal": _random.randbytes(200).hex(),
    "HEXADECIMAL": _random.randbytes(200).hex().upper(),
    "numbers": " ".join(str(_random.randrange(10 ** (1 + i % 12))) for i in range(60)),
    "capitals": "THE REFUND ORDER WAS NOT FOUND AND THE CARRIER TIMEOUT EXCEEDED ",
    "emoji": "🙂🎉🚒👩\u200d👩\u200d👧🚀🔥✅❌⚠️🇩🇪",
    "punctuation": "".join(_random.choice("!?.,;:-_()[]{}<>/\\|@#$%^&*+=~`'\"") for _ in range(400)),
    "gaps": "total:          4\n\n\n\n\n\t\t\t\tend" * 10,
    "drawing": "│ ├── └── ─────── ━━━ ▓▓▓ → • … “ ” – × ÷ € £ °\n",
}
TOKENIZERS = [bpe_openai.get_encoding(name) for name in ("o200k_base", "cl100k_base")]

CLAUDE = [
    ("THE REFUND ORDER WAS NOT FOUND " * 20, 161),
    ("返金の注文が見つかりませんでした。もう一度お試しください。" * 20, 560),
    ("Возврат заказа не найден, попробуйте ещё раз позже. " * 20, 621),
    ("🙂🎉🚒👩\u200d👩\u200d👧" * 50, 1050),
]
"""What the last published tokenizer of Anthropic, whose package is too old to install here, counted."""


def counted(text: str) -> int:
    """Tokens of a text, by the greediest tokenizer."""
    return max(len(tokenizer.encode(text)) for tokenizer in TOKENIZERS)


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("times", [1, 12])
def test_an_estimate_is_not_below_what_real_tokenizers_count(kind: str, times: int) -> None:
    text = TEXTS[kind] * times

    assert counted(text) <= estimate(text)


@pytest.mark.parametrize(("text", "tokens"), CLAUDE)
def test_an_estimate_is_not_below_what_another_tokenizer_counted(text: str, tokens: int) -> None:
    assert tokens <= estimate(text) <= 1.6 * tokens


@pytest.mark.parametrize(("kind", "most"), [("English", 1.35), ("JSON", 1.35), ("German", 1.7), ("hexadecimal", 1.15)])
def test_an_estimate_wastes_little(kind: str, most: float) -> None:
    text = TEXTS[kind] * 12

    assert estimate(text) <= most * counted(text)


@limits(deadline=None, max_examples=100)
@given(parts=st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, max_size=8))
def test_an_answer_that_quotes_texts_of_any_kind_is_not_underestimated(parts: list[str]) -> None:
    text = json.dumps({"lines": [{"kind": part, "text": TEXTS[part]} for part in parts]}, ensure_ascii=False)

    assert counted(text) <= estimate(text)


@limits(deadline=None)
@given(text=st.text())
@example("\r")
@example("\x1f")
def test_any_text_has_an_estimate(text: str) -> None:
    assert bool(text.strip(" ")) <= bool(estimate(text))
    assert not surely_more(text, 8_000)
