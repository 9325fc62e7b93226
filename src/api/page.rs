//! Lists: by page, and for those that grow without end also by cursor.
//!
//! A page is counted from the newest row, so it shifts while rows arrive, and a deep one is slow. A cursor is the id
//! of the row at one end of a page, and leads on from there to older rows or back to newer ones: neither happens. What
//! it holds is nobody's business but ours.

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
use crate::store::IdSpan;

/// The parameters of a list by page.
pub(super) const PAGE: &[&str] = &["page", "limit"];
/// The parameters of a list by page or cursor.
pub(super) const PAGE_OR_CURSOR: &[&str] = &["page", "limit", "cursor"];

/// What stands before the id in a cursor that leads back.
const BACK: u8 = 1;

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
        ByPage::into_params(place).into_iter().chain([cursor()]).collect()
    }
}

/// What [`ByPageOrCursor`] has beside `page` and `limit`.
pub(super) fn cursor() -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String);
    parameter("cursor", "A `nextCursor` or `prevCursor` as a page of this list gave it; instead of `page`", text)
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
    /// Only rows with larger ids, and of those the smallest: the list is walked back.
    after: Option<Uuid>,
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
        let cursor = query.get("cursor", "a `nextCursor` or `prevCursor` as a list gave it", Cursor::read);
        if query.text("cursor").is_some() && query.text("page").is_some() {
            query.refuse("cursor", FieldCode::Mismatch, "cannot be combined with `page`");
        }
        let (before, after) = match cursor {
            Some(Cursor::Before(id)) => (Some(id), None),
            Some(Cursor::After(id)) => (None, Some(id)),
            None => (None, None),
        };
        Self { page: page.unwrap_or(1), limit: limit.unwrap_or(limit_default), before, after }
    }

    /// The same for a list that has a cursor, so that deep pages need not be served.
    pub(super) fn read_shallow(query: &mut Query, options: &ApiOptions) -> Self {
        Self::read_shallow_with(query, options, options.page_limit_default)
    }

    /// [`Self::read_shallow`] and [`Self::read_with`] at once.
    pub(super) fn read_shallow_with(query: &mut Query, options: &ApiOptions, limit_default: u32) -> Self {
        let page = Self::read_with(query, options, limit_default);
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

    /// Only rows with ids from here on.
    pub(super) fn from(self) -> Option<Uuid> {
        self.after.map(successor)
    }

    /// The ids that its rows have.
    pub(super) fn span(self) -> IdSpan {
        IdSpan { from: self.from(), before: self.before, oldest_first: self.is_back() }
    }

    /// The ids that its rows have, of those that a filter lets through.
    pub(super) fn within(self, filter: IdSpan) -> IdSpan {
        let IdSpan { from, before, oldest_first } = self.span();
        IdSpan { from: from.max(filter.from), before: before.into_iter().chain(filter.before).min(), oldest_first }
    }

    /// Whether the rows are to be read from the smallest id on.
    pub(super) fn is_back(self) -> bool {
        self.after.is_some()
    }

    /// Puts rows that were read one further than the page goes into a page: newest first, with the cursors of the
    /// pages around it.
    pub(super) fn cut<T>(self, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Cursors {
        self.cut_at(rows, None, id)
    }

    /// The same where the list was looked at up to a row, and there may be more beyond it.
    pub(super) fn cut_at<T>(self, rows: &mut Vec<T>, end: Option<Uuid>, id: impl Fn(&T) -> Uuid) -> Cursors {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if self.is_back() {
            rows.reverse();
        }
        let (first, last) = (rows.first().map(&id), rows.last().map(&id));
        // Where it goes on: from the last row that is shown, or from the last that was looked at.
        let beyond = |last: Option<Uuid>| if has_more { last } else { end };
        // What a cursor was taken from lies on the other side, whether any row is on this one.
        let (newer, older) = match (self.before, self.after) {
            (_, Some(after)) => (beyond(first), Some(last.unwrap_or(successor(after)))),
            (Some(before), None) => (Some(first.unwrap_or(predecessor(before))), beyond(last)),
            (None, None) => (first.filter(|_| self.page > 1), beyond(last)),
        };
        let next_cursor = older.map(|id| Cursor::Before(id).text());
        Cursors { next_cursor, prev_cursor: newer.map(|id| Cursor::After(id).text()) }
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

    pub(super) fn list<T>(self, data: Vec<T>, total: u64, cursors: Cursors) -> List<T> {
        List { success: true, data, pagination: Pagination { totals: self.totals(total), cursors } }
    }

    /// A list that has no cursors.
    pub(super) fn paged<T>(self, data: Vec<T>, total: u64) -> PagedList<T> {
        PagedList { success: true, data, pagination: self.totals(total) }
    }
}

fn successor(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

fn predecessor(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_sub(1))
}

/// Where a page starts, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Before(Uuid),
    After(Uuid),
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        match bytes.as_slice() {
            [BACK, id @ ..] if id.len() == 16 => Uuid::from_slice(id).ok().map(Self::After),
            id => Uuid::from_slice(id).ok().map(Self::Before),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Before(id) => URL_SAFE_NO_PAD.encode(id.as_bytes()),
            Self::After(id) => URL_SAFE_NO_PAD.encode([&[BACK], &id.as_bytes()[..]].concat()),
        }
    }
}

/// Where a list goes on from a page of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cursors {
    /// Of the page of older rows; null on the last one.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
    /// Of the page of newer rows; null on the first one.
    #[schema(example = json!(null))]
    prev_cursor: Option<String>,
}

impl Cursors {
    /// Of a list that only goes on to older rows.
    pub(super) fn older_than(last: Option<Uuid>) -> Self {
        Self { next_cursor: last.map(|id| Cursor::Before(id).text()), prev_cursor: None }
    }
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
pub(super) struct Pagination {
    #[serde(flatten)]
    totals: Totals,
    #[serde(flatten)]
    cursors: Cursors,
}

/// The body of a list that is short enough to have pages only.
#[derive(Serialize, ToSchema)]
pub(super) struct PagedList<T> {
    success: bool,
    data: Vec<T>,
    pagination: Totals,
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
        assert_eq!(read("/").unwrap(), Page { page: 1, limit: 20, before: None, after: None });
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
        let mut rows = vec![9, 8, 7];
        let cursors = cut(page, &mut rows);
        assert_eq!((rows, &cursors.prev_cursor), (vec![9, 8], &None));
        let cursor = cursors.next_cursor.unwrap();
        assert_eq!(read(&format!("/?cursor={cursor}")).unwrap().before, Some(Uuid::from_u128(8)));
        assert_eq!(cut(page, &mut vec![9, 8]), Cursors { next_cursor: None, prev_cursor: None });
        assert!(read(&format!("/?cursor={cursor}&page=2")).is_err());
        for bad in ["xx", "", "AQ", "Ag", &format!("{cursor}AA")] {
            assert!(read(&format!("/?cursor={bad}")).is_err(), "{bad}");
        }
    }

    fn cut(page: Page, rows: &mut Vec<u128>) -> Cursors {
        page.cut(rows, |id| Uuid::from_u128(*id))
    }

    fn at(cursor: Option<String>) -> Page {
        read(&format!("/?limit=2&cursor={}", cursor.unwrap())).unwrap()
    }

    #[test]
    fn a_list_is_walked_on_and_back() {
        let on = at(cut(read("/?limit=2").unwrap(), &mut vec![9, 8, 7]).next_cursor);
        let second = cut(on, &mut vec![7, 6, 5]);
        let back = at(second.prev_cursor);
        assert_eq!((back.from(), back.before, back.is_back()), (Some(Uuid::from_u128(8)), None, true));
        let mut rows = vec![8, 9];
        let first = cut(back, &mut rows);
        assert_eq!((rows, &first.prev_cursor), (vec![9, 8], &None));
        assert_eq!(at(first.next_cursor), on);
        // One further than the page goes: there is more, and it is not shown.
        let mut rows = vec![8, 9, 10];
        assert!(cut(back, &mut rows).prev_cursor.is_some());
        assert_eq!(rows, [9, 8]);
        // Where nothing is left on one side, the way back is still there.
        let nothing = &mut Vec::new();
        assert_eq!(at(cut(back, nothing).next_cursor).before, Some(Uuid::from_u128(8)));
        assert_eq!(at(cut(on, nothing).prev_cursor).from(), Some(Uuid::from_u128(8)));
        assert!(cut(read("/?limit=2&page=2").unwrap(), &mut vec![7]).prev_cursor.is_some());
    }

    #[test]
    fn a_page_leads_on_from_where_it_stopped_looking() {
        let cut_at =
            |page: Page, rows: &mut Vec<u128>| page.cut_at(rows, Some(Uuid::from_u128(3)), |id| Uuid::from_u128(*id));
        let first = read("/?limit=2").unwrap();
        assert_eq!(at(cut_at(first, &mut vec![9]).next_cursor).before, Some(Uuid::from_u128(3)));
        // A full page leads on from its last row.
        assert_eq!(at(cut_at(first, &mut vec![9, 8, 7]).next_cursor).before, Some(Uuid::from_u128(8)));
        let on = at(cut_at(first, &mut Vec::new()).next_cursor);
        assert_eq!(at(cut_at(on, &mut Vec::new()).next_cursor).before, Some(Uuid::from_u128(3)));
        let back = at(cut_at(on, &mut vec![2]).prev_cursor);
        assert_eq!(at(cut_at(back, &mut Vec::new()).prev_cursor).from(), Some(Uuid::from_u128(4)));
    }

    #[test]
    fn a_count_is_at_least_what_is_shown() {
        let page = |page| Page { page, limit: 20, before: None, after: None };
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
