//! Which page of a list is wanted: `?limit` (1–500) and the opaque `?cursor` of the page before.

use super::params::Params;
use super::problem::Problem;
use crate::store::{Page, PageRequest};
use utoipa::IntoParams;

const LIMIT_DEFAULT: u32 = 50;
pub const LIMIT_MAX: u32 = 500;
const CURSOR_CHARS_MAX: usize = 512;

/// The parameters of a list, for its description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
pub struct Paged {
    /// How many items at most
    #[param(minimum = 1, maximum = 500, default = 50, nullable = false)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// Takes the page from the query. Whether a cursor is one of ours is the store's to say.
pub fn take(params: &mut Params) -> Result<PageRequest, Problem> {
    let limit = match params.take("limit")? {
        None => LIMIT_DEFAULT,
        Some(text) => plain_number(&text)
            .filter(|limit| (1..=LIMIT_MAX).contains(limit))
            .ok_or_else(|| Problem::field("?limit", "out_of_range", "limit must be a whole number from 1 to 500"))?,
    };
    let cursor = params.take("cursor")?;
    let bad = |c: &String| c.is_empty() || c.len() > CURSOR_CHARS_MAX || !c.bytes().all(|b| b.is_ascii_graphic());
    if cursor.as_ref().is_some_and(bad) {
        let message = "cursor must be the next_cursor of an earlier page, as it was given";
        return Err(Problem::field("?cursor", "invalid", message));
    }
    Ok(PageRequest { cursor, limit })
}

/// Digits only: `+5` is no number here.
fn plain_number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A page of a list that is never long and at hand as a whole. Its cursor is how many items came before.
pub fn cut<T>(items: Vec<T>, page: &PageRequest) -> Result<Page<T>, Problem> {
    let before = match &page.cursor {
        None => 0,
        Some(text) => plain_number(text).ok_or_else(|| {
            Problem::field("?cursor", "invalid", "cursor must be the next_cursor of an earlier page, as it was given")
        })?,
    };
    let end = before.saturating_add(page.limit);
    let next_cursor = (items.len() > end as usize).then(|| end.to_string());
    let items = items.into_iter().skip(before as usize).take(page.limit as usize).collect();
    Ok(Page { items, next_cursor })
}

#[cfg(test)]
mod tests {
    use super::super::params::tests::params;
    use super::*;

    fn limit(text: &str) -> Option<u32> {
        take(&mut params(&[("limit", text)])).ok().map(|page| page.limit)
    }

    #[test]
    fn a_limit_is_1_to_500() {
        assert_eq!(limit("1"), Some(1));
        assert_eq!(limit("500"), Some(500));
        assert_eq!(take(&mut params(&[])).unwrap().limit, LIMIT_DEFAULT);
        for bad in ["0", "501", "-1", "+5", "1e3", "", "1000000000", "99999999999999999999", "٥", "5.0"] {
            assert_eq!(limit(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_short_list_is_cut_into_pages_like_any_other() {
        let page = |limit, cursor: Option<&str>| {
            let request = PageRequest { limit, cursor: cursor.map(str::to_owned) };
            cut(vec![1, 2, 3], &request).map(|page| (page.items, page.next_cursor))
        };
        assert_eq!(page(2, None).unwrap(), (vec![1, 2], Some("2".to_owned())));
        assert_eq!(page(2, Some("2")).unwrap(), (vec![3], None));
        assert_eq!(page(3, None).unwrap(), (vec![1, 2, 3], None));
        assert_eq!(page(500, Some("4294967295")).unwrap(), (vec![], None));
        assert!(page(1, Some("-1")).is_err() && page(1, Some("x")).is_err());
    }

    #[test]
    fn a_cursor_that_cannot_be_ours_is_refused() {
        let cursor = |text: &str| take(&mut params(&[("cursor", text)])).map(|page| page.cursor);
        assert_eq!(cursor("MTIz").unwrap().as_deref(), Some("MTIz"));
        assert!(cursor("").is_err());
        assert!(cursor("a b").is_err());
        assert!(cursor(&"x".repeat(513)).is_err());
    }
}
