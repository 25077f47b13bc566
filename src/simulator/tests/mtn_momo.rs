use super::*;

const TRANSFER: &str = "/mtn-momo/disbursement/v1_0/transfer";

/// A client of MTN with a token.
struct Mtn<'a> {
    net: &'a Net,
    token: String,
    target: &'static str,
}

impl<'a> Mtn<'a> {
    async fn enter(net: &'a Net, target: &'static str) -> Mtn<'a> {
        let (status, body) = read(token_request(net, "user", "key").send().await.unwrap()).await;
        assert_eq!(status, 200);
        assert_eq!(body["expires_in"], 3600);
        Mtn { net, token: body["access_token"].as_str().unwrap().to_owned(), target }
    }

    fn signed(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request
            .bearer_auth(&self.token)
            .header("ocp-apim-subscription-key", "subscription")
            .header("x-target-environment", self.target)
    }

    fn request(&self, reference: &str, body: &Value) -> reqwest::RequestBuilder {
        self.signed(self.net.client.post(self.net.url(TRANSFER))).header("x-reference-id", reference).json(body)
    }

    async fn pay(&self, reference: Uuid, body: &Value) -> (StatusCode, Value) {
        read(self.request(&reference.to_string(), body).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let url = self.net.url(&format!("/mtn-momo/disbursement/v1_0/{path}"));
        read(self.signed(self.net.client.get(url)).send().await.unwrap()).await
    }

    /// Pays a number and says how it stands.
    async fn outcome(&self, msisdn: &str, currency: &str) -> Value {
        let reference = Uuid::new_v4();
        assert_eq!(self.pay(reference, &body(msisdn, currency)).await.0, 202);
        self.get(&format!("transfer/{reference}")).await.1
    }
}

fn token_request(net: &Net, user: &str, key: &str) -> reqwest::RequestBuilder {
    net.client
        .post(net.url("/mtn-momo/disbursement/token/"))
        .basic_auth(user, Some(key))
        .header("ocp-apim-subscription-key", "subscription")
}

fn body(msisdn: &str, currency: &str) -> Value {
    json!({"amount": "50000", "currency": currency, "externalId": "payout-1",
           "payee": {"partyIdType": "MSISDN", "partyId": msisdn}, "payerMessage": "March payroll", "payeeNote": "Salary"})
}

fn reason(status: &Value) -> &str {
    status["reason"].as_str().or(status["reason"]["code"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn a_transfer_is_accepted_paid_and_called_back() {
    let (net, mut hook) = (Net::start().await, Hook::open().await);
    let mtn = Mtn::enter(&net, "mtnuganda").await;
    let mut methods = Vec::new();
    for _ in 0..16 {
        let reference = Uuid::new_v4();
        let request = mtn.request(&reference.to_string(), &body(PAYEE, "UGX"));
        let answer = request.header("x-callback-url", hook.url("/hooks/mtn-ug/secret")).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.text().await.unwrap(), "");
        let (status, transfer) = mtn.get(&format!("transfer/{reference}")).await;
        assert_eq!((status, &transfer["status"]), (StatusCode::OK, &json!("SUCCESSFUL")));
        assert_eq!(transfer["payee"], json!({"partyIdType": "MSISDN", "partyId": PAYEE}));
        assert_eq!((&transfer["amount"], &transfer["currency"]), (&json!("50000"), &json!("UGX")));
        let receipt = hook.next().await;
        assert_eq!(receipt.path, "/hooks/mtn-ug/secret");
        assert_eq!(receipt.body, transfer);
        methods.push(receipt.method);
        let item = net.item(reference).await.unwrap();
        assert_eq!((&item["payout_id"], &item["state"]), (&json!("payout-1"), &json!("paid")));
        assert_eq!(item["transaction_id"], transfer["financialTransactionId"]);
    }
    assert!(methods.contains(&Method::PUT) && methods.contains(&Method::POST));
}

#[tokio::test]
async fn a_repeated_reference_is_a_409_and_pays_once() {
    let net = Net::start().await;
    let mtn = Mtn::enter(&net, "mtnuganda").await;
    let reference = Uuid::new_v4();
    assert_eq!(mtn.pay(reference, &body(PAYEE, "UGX")).await.0, 202);
    for msisdn in [PAYEE, "256771234567"] {
        let (status, answer) = mtn.pay(reference, &body(msisdn, "UGX")).await;
        assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("RESOURCE_ALREADY_EXIST")));
    }
    let (_, summary) = net.get("/_book/summary").await;
    assert_eq!(summary["rails"], json!({"mtn-momo": {"paid": 1}}));
    assert_eq!(net.item(reference).await.unwrap()["msisdn"], PAYEE);
}

#[tokio::test]
async fn the_sandbox_numbers_end_as_published() {
    let net = Net::start().await;
    let mtn = Mtn::enter(&net, "sandbox").await;
    let ends = [
        ("450", "INTERNAL_PROCESSING_ERROR"),
        ("451", "APPROVAL_REJECTED"),
        ("452", "EXPIRED"),
        ("455", "NOT_ENOUGH_FUNDS"),
        ("456", "PAYER_LIMIT_REACHED"),
        ("457", "PAYEE_NOT_FOUND"),
        ("458", "NOT_ALLOWED"),
        ("459", "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        ("460", "INVALID_CALLBACK_URL_HOST"),
        ("461", "INVALID_CURRENCY"),
        ("462", "INTERNAL_PROCESSING_ERROR"),
        ("463", "SERVICE_UNAVAILABLE"),
    ];
    for (ending, code) in ends {
        let status = mtn.outcome(&format!("46733123{ending}"), "EUR").await;
        assert_eq!((&status["status"], reason(&status)), (&json!("FAILED"), code));
    }
    for pending in ["46733123453", "46733123454"] {
        assert_eq!(mtn.outcome(pending, "EUR").await["status"], "PENDING");
    }
    assert_eq!(mtn.outcome("46733123464", "EUR").await["status"], "SUCCESSFUL");
    // The endings of live numbers mean nothing here.
    assert_eq!(mtn.outcome("256770000001", "EUR").await["status"], "SUCCESSFUL");
}

#[tokio::test]
async fn live_numbers_fail_by_their_ending_and_reasons_come_in_both_forms() {
    let net = Net::start().await;
    let mtn = Mtn::enter(&net, "mtnuganda").await;
    let ends = [
        ("000001", "PAYEE_NOT_FOUND"),
        ("000002", "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
        ("000003", "PAYEE_LIMIT_REACHED"),
        ("000004", "EXPIRED"),
    ];
    let (mut bare, mut coded) = (0, 0);
    for (ending, code) in ends.into_iter().cycle().take(32) {
        let status = mtn.outcome(&format!("256772{ending}"), "UGX").await;
        assert_eq!((&status["status"], reason(&status)), (&json!("FAILED"), code));
        bare += u32::from(status["reason"].is_string());
        coded += u32::from(status["reason"].is_object());
    }
    assert!(bare > 0 && coded > 0);
    assert_eq!(mtn.outcome("256772000005", "UGX").await["status"], "PENDING");
}

#[tokio::test]
async fn what_mtn_refuses_is_refused_and_noted_as_seen() {
    let net = Net::start().await;
    let mtn = Mtn::enter(&net, "mtnuganda").await;
    let with = |field: &str, value: Value| {
        let mut body = body(PAYEE, "UGX");
        body[field] = value;
        body
    };
    let refused = [
        with("payerMessage", json!("x".repeat(161))),
        with("payeeNote", json!("Mary's salary")),
        with("payeeNote", json!("café")),
        with("currency", json!("EUR")),
        with("amount", json!(50000)),
        with("amount", json!("-1")),
        with("amount", json!("0.5")),
        with("payee", json!({"partyIdType": "MSISDN", "partyId": "+256701234567"})),
    ];
    for body in refused {
        let reference = Uuid::new_v4();
        let (status, answer) = mtn.pay(reference, &body).await;
        assert_eq!(status, 400, "{body} → {answer}");
        assert_eq!(net.state(reference).await, "seen");
        let (status, answer) = mtn.get(&format!("transfer/{reference}")).await;
        assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("RESOURCE_NOT_FOUND")));
    }
    let v5 = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"payout");
    assert_eq!(mtn.pay(v5, &body(PAYEE, "UGX")).await.0, 400);
    let url = net.url("/mtn-momo//disbursement/v1_0/transfer");
    assert_eq!(mtn.signed(net.client.post(url)).json(&body(PAYEE, "UGX")).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn credentials_and_environments_are_checked() {
    let net = Net::start().await;
    for (user, key) in [("wrong", "key"), ("user", "wrong")] {
        assert_eq!(token_request(&net, user, key).send().await.unwrap().status(), 401);
    }
    for request in [token_request(&net, "u", "k").json(&json!({})), token_request(&net, "u", "k").form(&[("a", "b")])] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    let bare = net.client.post(net.url("/mtn-momo/disbursement/token/")).basic_auth("u", Some("k"));
    assert_eq!(bare.send().await.unwrap().status(), 401);

    let mtn = Mtn::enter(&net, "mtnatlantis").await;
    let reference = Uuid::new_v4();
    let (status, answer) = mtn.pay(reference, &body(PAYEE, "UGX")).await;
    assert_eq!((status.as_u16(), &answer["code"]), (500, &json!("NOT_ALLOWED_TARGET_ENVIRONMENT")));
    let stranger = Mtn { net: &net, token: "made up".into(), target: "mtnuganda" };
    assert_eq!(stranger.pay(reference, &body(PAYEE, "UGX")).await.0, 401);
    // Refused is not taken: the same reference may come again, and pays.
    assert_eq!(Mtn::enter(&net, "mtnuganda").await.pay(reference, &body(PAYEE, "UGX")).await.0, 202);
    assert_eq!(net.state(reference).await, "paid");
}

#[tokio::test]
async fn a_provisioned_user_has_a_key_and_a_callback_host() {
    let net = Net::start().await;
    let id = Uuid::new_v4().to_string();
    let users = net.url("/mtn-momo/v1_0/apiuser");
    let create = || {
        let request = net.client.post(&users).header("x-reference-id", &id);
        request.header("ocp-apim-subscription-key", "s").json(&json!({"providerCallbackHost": "pay.example"})).send()
    };
    assert_eq!(create().await.unwrap().status(), 201);
    assert_eq!(create().await.unwrap().status(), 409);
    let show = net.client.get(format!("{users}/{id}")).header("ocp-apim-subscription-key", "s");
    let (_, user) = read(show.send().await.unwrap()).await;
    assert_eq!(user, json!({"providerCallbackHost": "pay.example", "targetEnvironment": "sandbox"}));
    let make_key = || net.client.post(format!("{users}/{id}/apikey")).header("ocp-apim-subscription-key", "s").send();
    let (status, key) = read(make_key().await.unwrap()).await;
    assert_eq!(status, 201);
    assert_eq!(token_request(&net, &id, "another").send().await.unwrap().status(), 401);
    let (_, token) = read(token_request(&net, &id, key["apiKey"].as_str().unwrap()).send().await.unwrap()).await;

    let mtn = Mtn { net: &net, token: token["access_token"].as_str().unwrap().into(), target: "sandbox" };
    for (url, expected) in [("https://evil.example/x", 500), ("https://pay.example/x", 202)] {
        let request = mtn.request(&Uuid::new_v4().to_string(), &body("46733123453", "EUR"));
        assert_eq!(request.header("x-callback-url", url).send().await.unwrap().status().as_u16(), expected);
    }
    make_key().await.unwrap();
    assert_eq!(mtn.get("account/balance").await.0, 401, "a new key voids the tokens of the old one");
}

#[tokio::test]
async fn accounts_can_be_looked_up() {
    let net = Net::start().await;
    let mtn = Mtn::enter(&net, "mtnuganda").await;
    let active = |msisdn: &'static str| mtn.get(msisdn);
    assert_eq!(active("accountholder/msisdn/256772123456/active").await.1, json!({"result": true}));
    assert_eq!(active("accountholder/msisdn/256772000002/active").await.1, json!({"result": false}));
    assert_eq!(active("accountholder/msisdn/256772000001/active").await.0, 404);
    let (_, holder) = mtn.get("accountholder/msisdn/256772123456/basicuserinfo").await;
    assert!(holder["given_name"].is_string() && holder["family_name"].is_string());
    net.turn(json!({"mtn-momo": {"float": "70000"}})).await;
    assert_eq!(mtn.outcome(PAYEE, "UGX").await["status"], "SUCCESSFUL");
    assert_eq!(reason(&mtn.outcome(PAYEE, "UGX").await), "NOT_ENOUGH_FUNDS");
    let (_, balance) = mtn.get("account/balance").await;
    assert_eq!(balance, json!({"availableBalance": "20000", "currency": "UGX"}));
}

#[tokio::test]
async fn a_forged_callback_does_not_reach_the_right_address() {
    let (net, mut hook) = (Net::with_knobs(json!({"mtn-momo": {"receipt_forged": 1}})).await, Hook::open().await);
    let mtn = Mtn::enter(&net, "mtnuganda").await;
    for _ in 0..8 {
        let request = mtn.request(&Uuid::new_v4().to_string(), &body(PAYEE, "UGX"));
        request.header("x-callback-url", hook.url("/hooks/mtn-ug/token")).send().await.unwrap();
        let both = [hook.next().await, hook.next().await];
        let (right, wrong): (Vec<_>, Vec<_>) = both.into_iter().partition(|r| r.path == "/hooks/mtn-ug/token");
        assert_eq!(right[0].body["status"], "SUCCESSFUL");
        assert_eq!(wrong[0].body["status"], "FAILED");
        assert!(["/hooks/mtn-ug", "/hooks/mtn-ug/nekot"].contains(&wrong[0].path.as_str()));
    }
}
