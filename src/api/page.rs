//! Lists: by page, and for those that grow without end also by cursor.
//!
//! A page is counted from the newest row, so it shifts while rows arrive, and a deep one is slow. A cursor is the id
//! of the last row seen: neither happens. What it holds is nobody's business but ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ApiOptions;
use super::query::Query;
use crate::domain::field::FieldCode;

/// The parameters of a list by page.
pub(super) const PAGE: &[&str] = &["page", "limit"];
/// The parameters of a list by page or cursor.
pub(super) const PAGE_OR_CURSOR: &[&str] = &["page", "limit", "cursor"];

/// What documents say of `limit`: the defaults of `config/default.toml`.
const LIMIT_DEFAULT: u32 = 20;
pub(super) const CONVERSATIONS_LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// [`PAGE`], for documents.
pub(super) struct ByPage;

/// [`PAGE_OR_CURSOR`], for documents.
pub(super) struct ByPageOrCursor;

impl IntoParams for ByPage {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        by_page(None)
    }
}

/// [`ByPage`], perhaps with another `limit`.
pub(super) fn by_page(limit_default: Option<u32>) -> Vec<Parameter> {
    let number = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let limit_default = limit_default.unwrap_or(LIMIT_DEFAULT);
    let limit = number().maximum(Some(LIMIT_MAX)).default(Some(limit_default.into()));
    vec![
        parameter("page", "Which page, from 1", number().default(Some(1.into()))),
        parameter("limit", "How many rows a page has; a deployment may set other bounds", limit),
    ]
}

impl IntoParams for ByPageOrCursor {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let cursor = parameter("cursor", "The `nextCursor` of the page before; instead of `page`", text);
        ByPage::into_params(place).into_iter().chain([cursor]).collect()
    }
}

fn parameter(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// Where in a list to start, and how many rows to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "the names are the API's")]
pub(super) struct Page {
    /// From 1; always 1 with a cursor.
    pub(super) page: u32,
    pub(super) limit: u32,
    /// Only rows with smaller ids.
    pub(super) before: Option<Uuid>,
}

impl Page {
    /// Reads `page` and `limit`, and `cursor` where the list has one.
    pub(super) fn read(query: &mut Query, options: &ApiOptions) -> Self {
        Self::read_with(query, options, options.page_limit_default)
    }

    /// The same for a list whose pages have another length when the client does not say.
    pub(super) fn read_with(query: &mut Query, options: &ApiOptions, limit_default: u32) -> Self {
        let limit_max = options.page_limit_max;
        let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n >= 1);
        let page = query.get("page", "a whole number from 1", number);
        let limit = query.get("limit", &format!("a whole number from 1 to {limit_max}"), |text| {
            number(text).filter(|limit| *limit <= limit_max)
        });
        let before = query.get("cursor", "a `nextCursor` as a list gave it", read_cursor);
        if query.text("cursor").is_some() && query.text("page").is_some() {
            query.refuse("cursor", FieldCode::Mismatch, "cannot be combined with `page`");
        }
        Self { page: page.unwrap_or(1), limit: limit.unwrap_or(limit_default), before }
    }

    /// The same for a list that has a cursor, so that deep pages need not be served.
    pub(super) fn read_shallow(query: &mut Query, options: &ApiOptions) -> Self {
        let page = Self::read(query, options);
        let depth_max = options.page_depth_max;
        if u64::from(page.page) * u64::from(page.limit) > u64::from(depth_max) {
            let message = format!("times `limit` must be at most {depth_max}; beyond that, follow `nextCursor`");
            query.refuse("page", FieldCode::OutOfRange, message);
        }
        page
    }

    pub(super) fn offset(self) -> u32 {
        (self.page - 1).saturating_mul(self.limit)
    }

    /// Splits rows that were read one further than the page goes: the page, and the cursor of the next.
    pub(super) fn cut<T>(self, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        rows.last().filter(|_| has_more).map(|last| write_cursor(id(last)))
    }

    /// How many there are in all. They were counted before the rows were read; what came in between is there too.
    pub(super) fn count(self, counted: u64, rows: usize) -> u64 {
        let shown = u64::try_from(rows).unwrap_or(u64::MAX);
        if shown == 0 { counted } else { counted.max(u64::from(self.offset()) + shown) }
    }

    pub(super) fn totals(self, total: u64) -> Totals {
        let total_pages = total.div_ceil(u64::from(self.limit));
        Totals { total, page: self.page, limit: self.limit, total_pages }
    }

    pub(super) fn list<T>(self, data: Vec<T>, total: u64, next_cursor: Option<String>) -> List<T> {
        List { success: true, data, pagination: Pagination { totals: self.totals(total), next_cursor } }
    }
}

/// The cursor that goes on after a row.
pub(super) fn write_cursor(last: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(last.as_bytes())
}

fn read_cursor(text: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// How long a list is. Stands beside the rows, or in `pagination`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    #[schema(example = 1)]
    total: u64,
    #[schema(example = 1)]
    page: u32,
    #[schema(example = 20)]
    limit: u32,
    #[schema(example = 1)]
    total_pages: u64,
}

/// The body of most lists. Webhooks and their logs have their own, with the totals beside the rows.
#[derive(Serialize, ToSchema)]
pub(super) struct List<T> {
    success: bool,
    data: Vec<T>,
    pagination: Pagination,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    #[serde(flatten)]
    totals: Totals,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ApiOptions {
        let config = crate::config::Config::from_layers("", []).unwrap();
        ApiOptions::from(&config)
    }

    fn read(uri: &str) -> Result<Page, String> {
        let mut query = Query::read(&uri.parse().unwrap(), &[PAGE_OR_CURSOR]);
        let page = Page::read_shallow(&mut query, &options());
        query.finish().map(|()| page).map_err(|problem| problem.message().to_owned())
    }

    #[test]
    fn a_page_has_bounds() {
        assert_eq!(read("/").unwrap(), Page { page: 1, limit: 20, before: None });
        assert_eq!(read("/?page=3&limit=100").unwrap().offset(), 200);
        for bad in ["/?page=0", "/?limit=0", "/?limit=101", "/?page=-1", "/?page=x", "/?limit=99999999999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read("/?page=100&limit=100").is_ok());
        assert!(read("/?page=101&limit=100").unwrap_err().contains("nextCursor"));
        assert!(read("/?page=4294967295&limit=100").is_err());
    }

    #[test]
    fn a_cursor_stands_for_the_last_row() {
        let page = read("/?limit=2").unwrap();
        let mut rows = vec![Uuid::from_u128(9), Uuid::from_u128(8), Uuid::from_u128(7)];
        let cursor = page.cut(&mut rows, |id| *id).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(read(&format!("/?cursor={cursor}")).unwrap().before, Some(Uuid::from_u128(8)));
        assert_eq!(page.cut(&mut rows, |id| *id), None);
        assert!(read(&format!("/?cursor={cursor}&page=2")).is_err());
        assert!(read("/?cursor=xx").is_err());
    }

    #[test]
    fn a_count_is_at_least_what_is_shown() {
        let page = |page| Page { page, limit: 20, before: None };
        assert_eq!((page(1).count(1, 2), page(2).count(5, 3), page(9).count(5, 0)), (2, 23, 5));
    }

    #[test]
    fn documents_tell_the_default_bounds() {
        let ApiOptions { page_limit_default, conversations_limit_default, page_limit_max, .. } = options();
        assert_eq!((page_limit_default, page_limit_max), (LIMIT_DEFAULT, LIMIT_MAX));
        assert_eq!(conversations_limit_default, CONVERSATIONS_LIMIT_DEFAULT);
    }

    #[test]
    fn totals_round_up() {
        let page = read("/?limit=20").unwrap();
        assert_eq!(page.totals(0).total_pages, 0);
        assert_eq!(page.totals(41).total_pages, 3);
    }
}
