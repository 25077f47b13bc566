"""Writes the first inputs of the hooks' targets: genuine receipts, and near
misses; `unreadable` is what somebody vouches for all the same. What the fuzzer finds stands beside them.

An input is what stands after `/hooks/{lane}/` in the address, a line for each header, an empty line, and the body
(`src/fuzzing/hook.rs`, which has the same secrets and the same clock).
"""
import base64, hashlib, hmac, json, pathlib, uuid

CORPUS = pathlib.Path(__file__).parent / "corpus"
SECRET = b"gaba-test-secret-of-32-bytes!!!!"
OTHER_SECRET = b"another-test-secret-of-32-bytes!"
KEY, OTHER_KEY = bytes([7] * 32), bytes([8] * 32)
NOW = 1_763_715_600
REFERENCE = uuid.UUID("1f0c5a7e-52a1-4c3b-9d2e-6b7a8c9d0e1f")
OTHER_REFERENCE = uuid.UUID("1f0c5a7e-52a1-4c3b-9d2e-6b7a8c9d0e20")
PAYOUT = "00000000-0000-0000-0000-000000000077"


def text(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def token(reference=REFERENCE, lane="lane", key=KEY):
    name = lane.encode()
    tag = hmac.digest(key, len(name).to_bytes(8, "big") + name + reference.bytes, hashlib.sha256)[:16]
    return base64.urlsafe_b64encode(reference.bytes + tag).rstrip(b"=").decode()


def signature(body, at=NOW, message="msg_1", secret=SECRET):
    mac = hmac.digest(secret, f"{message}.{at}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac).decode()


def signed(body, at=NOW, message="msg_1", secret=SECRET, signatures=None, more=()):
    body = text(body)
    head = [("Webhook-Id", message), ("Webhook-Timestamp", at)]
    head.append(("Webhook-Signature", signatures or signature(body, at, message, secret)))
    return post("", head + list(more), body)


def post(address, headers, body):
    lines = [address, "Content-Type: application/json"] + [f"{name}: {value}" for name, value in headers]
    return ("\n".join(lines) + "\n\n").encode() + text(body)


def write(target, files):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


MTN = {
    "financialTransactionId": "363440463",
    "externalId": PAYOUT,
    "amount": "50000",
    "currency": "UGX",
    "payee": {"partyIdType": "MSISDN", "partyId": "256772123456"},
    "payerMessage": "March pay",
    "payeeNote": "March pay",
    "status": "SUCCESSFUL",
}


def mtn(address=token(), headers=(), **changes):
    body = {name: value for name, value in (MTN | changes).items() if value is not ...}
    return post(address, headers, body)


failed = {"status": "FAILED", "financialTransactionId": ...}
write("hook_mtn_momo", {
    "genuine-paid": mtn(),
    "genuine-pending": mtn(status="PENDING", financialTransactionId=...),
    "genuine-failed-word": mtn(**failed, reason="PAYEE_NOT_FOUND"),
    "genuine-failed-coded": mtn(**failed, reason={"code": "NOT_ENOUGH_FUNDS", "message": "Not enough funds"}),
    "genuine-failed-silent": mtn(**failed),
    "genuine-failed-odd-reason": mtn(**failed, reason=[{"code": 7}]),
    "genuine-failed-long-reason": mtn(**failed, reason={"code": "X" * 200, "message": "é" * 900}),
    "genuine-reference-named": mtn(referenceId=str(REFERENCE)),
    "genuine-number-amount": mtn(amount=50000, externalId=77),
    "genuine-decimals": mtn(amount="50000.00"),
    "genuine-without-amount": mtn(amount=..., payee=...),
    "genuine-amount-too-large": mtn(amount="9" * 40),
    "genuine-amount-float": post(token(), [], text(MTN).replace(b'"50000"', b"5e4")),
    "genuine-currency-unknown": mtn(currency="XXX"),
    "genuine-payee-odd": mtn(payee={"partyId": ["256772123456"]}),
    "genuine-status-new": mtn(status="REVERSED"),
    "genuine-two-statuses": post(token(), [], text(MTN).replace(b'{"fin', b'{"status":"FAILED","fin')),
    "forged-open-hook": mtn(""),
    "forged-open-hook-named": mtn("", referenceId=str(REFERENCE)),
    "forged-other-lane": mtn(token(lane="other")),
    "forged-other-key": mtn(token(key=OTHER_KEY)),
    "unreadable-other-reference": mtn(token(OTHER_REFERENCE), referenceId=str(REFERENCE)),
    "forged-padded-token": mtn(token() + "="),
    "forged-short-token": mtn(token()[:-1]),
    "forged-signed": signed(MTN | {"referenceId": str(REFERENCE)}),
    "unreadable-deep": post(token(), [], b"[" * 3000),
    "unreadable-cut": post(token(), [], text(MTN)[:-9]),
    "unreadable-empty": post(token(), [], b""),
    "unreadable-not-text": post(token(), [], b"\xff\xfe" + text(MTN)),
})

TOLD = {
    "reference": str(REFERENCE),
    "status": "success",
    "transaction_id": "T-1",
    "payout_id": PAYOUT,
    "msisdn": "256772123456",
    "amount": "50000",
    "currency": "UGX",
}
body = text(TOLD)
write("hook_http", {
    "genuine-paid": signed(TOLD),
    "genuine-plus": signed(TOLD | {"msisdn": "+256772123456", "amount": 50000}),
    "genuine-pending": signed(TOLD | {"status": "pending", "transaction_id": None}),
    "genuine-failed": signed(TOLD | {"status": "failed", "code": "PAYEE_NOT_FOUND", "message": "no wallet"}),
    "genuine-failed-later": signed(TOLD | {"status": "failed", "code": "INSUFFICIENT_FLOAT"}),
    "genuine-failed-unknown": signed(TOLD | {"status": "failed", "code": "?" * 300, "message": "\u202e" * 900}),
    "genuine-two-secrets": signed(TOLD, signatures=f"v1,AAAA v1a,x {signature(body)}"),
    "genuine-edge-old": signed(TOLD, at=NOW - 300),
    "genuine-edge-new": signed(TOLD, at=NOW + 300),
    "genuine-other-amount": signed(TOLD | {"amount": "50001"}),
    "genuine-no-id": signed({n: v for n, v in TOLD.items() if n != "transaction_id"}),
    "forged-301-old": signed(TOLD, at=NOW - 301),
    "forged-301-new": signed(TOLD, at=NOW + 301),
    "forged-other-secret": signed(TOLD, secret=OTHER_SECRET),
    "forged-unsigned": post("", [], TOLD),
    "forged-empty-signature": signed(TOLD, signatures="v1,"),
    "forged-many-signatures": signed(TOLD, signatures=" ".join(["v1,AAAA"] * 16 + [signature(body)])),
    "forged-bit": signed(TOLD, signatures="v1,+" + signature(body)[4:]),
    "forged-body": signed(TOLD | {"amount": "50001"}, signatures=signature(body)),
    "forged-id": signed(TOLD, message="msg_2", signatures=signature(body)),
    "forged-time": signed(TOLD, at=NOW + 1, signatures=signature(body)),
    "forged-time-written-otherwise": signed(TOLD, at=f"+{NOW}", signatures=signature(body)),
    "forged-time-huge": signed(TOLD, at="9" * 19),
    "forged-time-twice": signed(TOLD, at=NOW - 9999, more=[("webhook-timestamp", NOW)]),
    "forged-signature-twice": signed(TOLD, signatures="v1,AAAA", more=[("webhook-signature", signature(body))]),
    "forged-token": post(token(), [], TOLD),
    "forged-cut": post("", [("webhook-id", "msg_1"), ("webhook-timestamp", NOW), ("webhook-signature", signature(body))], body[:-9]),
    "unreadable-empty": signed(b""),
    "unreadable-deep": signed(b'{"reference":' + b"[" * 3000),
})

REPORT = {"id": str(REFERENCE), "status": "delivered"}
body = text(REPORT)
write("hook_sms_http", {
    "genuine-delivered": signed(REPORT),
    "genuine-undelivered": signed(REPORT | {"status": "undelivered", "code": "ABSENT", "message": "switched off"}),
    "genuine-undelivered-silent": signed(REPORT | {"status": "undelivered"}),
    "genuine-status-new": signed(REPORT | {"status": "read"}),
    "genuine-no-status": signed({"id": str(REFERENCE)}),
    "genuine-long-words": signed(REPORT | {"status": "undelivered", "code": "C" * 500, "message": "\n" * 500 + "x" * 500}),
    "genuine-edge-old": signed(REPORT, at=NOW - 300),
    "forged-301-old": signed(REPORT, at=NOW - 301),
    "forged-301-new": signed(REPORT, at=NOW + 301),
    "forged-other-secret": signed(REPORT, secret=OTHER_SECRET),
    "forged-unsigned": post("", [], REPORT),
    "forged-body": signed(REPORT | {"status": "undelivered"}, signatures=signature(body)),
    "forged-id": signed(REPORT, message="msg_2", signatures=signature(body)),
    "forged-token": post(token(), [], REPORT),
    "unreadable-no-id": signed({"status": "delivered"}),
    "forged-cut": post("", [("webhook-id", "msg_1"), ("webhook-timestamp", NOW), ("webhook-signature", signature(body))], body[:-3]),
    "unreadable-empty": signed(b""),
    "unreadable-not-text": signed(b"\x00\xff" + body),
})
