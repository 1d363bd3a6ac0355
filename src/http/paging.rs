//! Pages of lists: `?limit=1..100` (50) `&cursor=`, answered as `{items, next_cursor}`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::ApiError;
use crate::model::FilePath;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: i64 = 100;

/// A page. `next_cursor` is null on the last one.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T: ToSchema> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// The query of a list that has no filters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1 to 100; 50 when it is left out.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// How many items a page holds.
pub fn limit(given: Option<i64>) -> Result<usize, ApiError> {
    match given {
        None => Ok(DEFAULT_LIMIT),
        Some(limit @ 1..=MAX_LIMIT) => usize::try_from(limit).map_err(ApiError::internal),
        Some(_) => Err(ApiError::field("limit", "is a number from 1 to 100")),
    }
}

/// Where the page begins: what [`List::of`] was given for the item before it.
pub fn position<P: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<P>, ApiError> {
    let read = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let wrong = || ApiError::field("cursor", "is none that a list answered");
    cursor.map(|text| read(text).ok_or_else(wrong)).transpose()
}

/// Where a page of paths begins: behind this one.
pub fn path(cursor: Option<&str>) -> Result<Option<String>, ApiError> {
    let path = position::<FilePath>(cursor)?;
    Ok(path.map(String::from))
}

impl<T: ToSchema> List<T> {
    /// A page of `limit` items from `limit + 1` rows: one more than fits says that there is another page.
    /// `position` names an item for the cursor.
    pub fn of<R, P: Serialize>(
        mut rows: Vec<R>,
        limit: usize,
        position: impl Fn(&R) -> P,
        item: impl Fn(R) -> T,
    ) -> Result<Self, ApiError> {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| cursor(&position(row))).transpose()?;
        Ok(List { items: rows.into_iter().map(item).collect(), next_cursor })
    }
}

/// The cursor for what comes after this position.
pub fn cursor(position: &impl Serialize) -> Result<String, ApiError> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).map_err(ApiError::internal)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn cursors_are_read_back_and_others_refused() {
        let cursor = cursor(&"a/ü").unwrap();
        assert_eq!(position::<String>(Some(&cursor)).unwrap(), Some("a/ü".to_owned()));
        assert_eq!(position::<String>(None).unwrap(), None);
        for bad in ["", "%", "e30", "bm8"] {
            assert!(position::<String>(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_row_too_many_means_another_page() {
        let list = |rows: Vec<i64>| List::of(rows, 2, |row| *row, |row| row).unwrap();
        assert_eq!((list(vec![3, 2]).items.len(), list(vec![3, 2]).next_cursor), (2, None));
        let full = list(vec![3, 2, 1]);
        assert_eq!(full.items, [3, 2]);
        assert_eq!(position::<i64>(full.next_cursor.as_deref()).unwrap(), Some(2));
    }

    #[test]
    fn limits() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(100)).unwrap(), 100);
        assert!([0, 101, -1].iter().all(|bad| limit(Some(*bad)).is_err()));
    }
}
