use super::*;
use crate::rail::Reason;
use serde_json::json;
use std::sync::atomic::AtomicUsize;

fn token(name: &str, expires_in: Value) -> Token {
    Token::read(TokenBody { access_token: name.into(), expires_in: Some(expires_in) }, Instant::now())
}

fn down() -> Outcome {
    Outcome::NotSent { reason: Reason::new("token", "down") }
}

async fn get(cache: &TokenCache, fresh: &str) -> Result<String, Outcome> {
    cache.get(None, async || Ok(token(fresh, json!(3600)))).await.map(|t| t.expose().to_owned())
}

/// A cache whose token is due for renewal but has not expired.
async fn due_for_renewal() -> TokenCache {
    let cache = TokenCache::default();
    let asked_at = Instant::now();
    let old = Token {
        secret: SecretString::from("old"),
        renew_at: asked_at,
        expires_at: asked_at + Duration::from_secs(600),
    };
    cache.get(None, async || Ok(old)).await.ok().unwrap();
    cache
}

#[test]
fn a_token_is_renewed_ten_minutes_early_and_a_short_one_at_half_its_life() {
    let asked_at = Instant::now();
    for (expires_in, renewed, expired) in [
        (json!(3600), 3000, 3600),
        (json!("3600"), 3000, 3600),
        (json!(180), 90, 180),
        (json!(1200), 600, 1200),
        (json!(0), 150, 300),
        (json!(-1), 150, 300),
        (json!(null), 150, 300),
        (json!(u64::MAX), 85_800, 86_400),
    ] {
        let body = TokenBody { access_token: "t".into(), expires_in: Some(expires_in.clone()) };
        let token = Token::read(body, asked_at);
        assert_eq!(token.renew_at - asked_at, Duration::from_secs(renewed), "{expires_in}");
        assert_eq!(token.expires_at - asked_at, Duration::from_secs(expired), "{expires_in}");
    }
}

#[tokio::test]
async fn concurrent_callers_share_one_fetch() {
    let (cache, fetches) = (TokenCache::default(), AtomicUsize::new(0));
    let one = || async {
        let fetch = async || {
            fetches.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(token("a", json!(3600)))
        };
        cache.get(None, fetch).await.map(|t| t.expose().to_owned())
    };
    let tokens = futures::future::join_all((0..100).map(|_| one())).await;
    assert!(tokens.into_iter().all(|t| t == Ok("a".into())));
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert_eq!(get(&cache, "b").await, Ok("a".into()), "a good token is kept");
}

#[tokio::test]
async fn those_who_waited_share_a_failure_and_the_next_asks_again() {
    let (cache, fetches) = (TokenCache::default(), AtomicUsize::new(0));
    let one = || async {
        let fetch = async || {
            fetches.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Err::<Token, _>(down())
        };
        cache.get(None, fetch).await.map(|t| t.expose().to_owned())
    };
    let failures = futures::future::join_all((0..100).map(|_| one())).await;
    assert!(failures.into_iter().all(|f| f == Err(down())));
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert_eq!(get(&cache, "b").await, Ok("b".into()));
}

#[tokio::test]
async fn while_one_renews_the_others_go_on_with_the_old_token() {
    let cache = due_for_renewal().await;
    let renewing = async || {
        assert_eq!(get(&cache, "second").await, Ok("old".into()));
        Ok(token("new", json!(3600)))
    };
    assert_eq!(cache.get(None, renewing).await.ok().unwrap().expose(), "new");
    assert_eq!(get(&cache, "third").await, Ok("new".into()));
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_old_token_in_use_and_is_not_repeated_at_once() {
    let cache = due_for_renewal().await;
    assert_eq!(cache.get(None, async || Err(down())).await.ok().unwrap().expose(), "old");
    assert_eq!(get(&cache, "too soon").await, Ok("old".into()));
}

#[tokio::test]
async fn a_refused_token_is_not_given_out_again_and_replaced_once() {
    let cache = TokenCache::default();
    let refused = cache.get(None, async || Ok(token("a", json!(3600)))).await.ok().unwrap();
    let again = |fresh: &'static str| cache.get(Some(&refused), async move || Ok(token(fresh, json!(3600))));
    assert_eq!(again("b").await.ok().unwrap().expose(), "b");
    assert_eq!(again("c").await.ok().unwrap().expose(), "b", "another caller has fetched it already");
    let failed = TokenCache::default();
    let refused = failed.get(None, async || Ok(token("a", json!(3600)))).await.ok().unwrap();
    assert_eq!(failed.get(Some(&refused), async || Err(down())).await.err(), Some(down()));
}

#[tokio::test]
async fn a_fetch_given_up_halfway_leaves_the_turn_to_the_next() {
    let cache = TokenCache::default();
    let never = cache.get(None, async || std::future::pending().await);
    assert!(tokio::time::timeout(Duration::from_millis(1), never).await.is_err());
    assert_eq!(get(&cache, "b").await, Ok("b".into()));
}
