use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::field::FieldCode;

fn filter(source: &Value) -> Filter {
    Filter::read(source).unwrap_or_else(|problems| panic!("{source}: {problems:?}"))
}

#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "a table of cases reads better so")]
fn check(field: &str, op: &str, value: Value, data: &Value, expected: bool) {
    let source = json!({ "field": field, "op": op, "value": value });
    assert_eq!(filter(&source).matches(data), expected, "{source} on {data}");
    let opposite = json!({ "not": source });
    assert_eq!(filter(&opposite).matches(data), !expected, "{opposite} on {data}");
}

fn problems(source: &Value) -> Vec<String> {
    let read = Filter::read(source);
    read.unwrap_err().iter().map(FieldProblem::sentence).collect()
}

#[test]
fn each_op_holds_when_its_line_in_the_table_says_so() {
    let data = json!({
        "total": 120.5, "name": "Ada Lovelace", "vip": true, "gone": null, "tags": ["a", "b", 3],
        "at": "2026-11-21T12:00:00Z", "items": [{ "sku": "x-1", "n": 1 }, { "sku": "y-2", "n": 9 }], "o": {},
    });
    for (field, op, value, expected) in [
        ("total", "eq", json!(120.5), true),
        ("total", "eq", json!("120.5"), false),
        ("name", "eq", json!("Ada Lovelace"), true),
        ("name", "ne", json!("ada lovelace"), true),
        ("vip", "eq", json!(true), true),
        ("vip", "eq", json!(1), false),
        ("gone", "eq", json!(null), true),
        ("absent", "eq", json!(null), false),
        ("absent", "ne", json!(null), true),
        ("o", "eq", json!("x"), false),
        ("name", "in", json!(["x", "Ada Lovelace"]), true),
        ("vip", "in", json!(["true", 1]), false),
        ("gone", "exists", json!(true), true),
        ("gone", "exists", json!(false), false),
        ("absent", "exists", json!(false), true),
        ("total", "gt", json!(120), true),
        ("total", "gt", json!(120.5), false),
        ("total", "gte", json!(120.5), true),
        ("total", "lt", json!(121), true),
        ("total", "lte", json!(120), false),
        ("total", "gt", json!("1"), false),
        ("name", "gt", json!(1), false),
        ("at", "gte", json!("2026-11-21T00:00:00Z"), true),
        ("at", "lt", json!("2026-11-21T12:00:00Z"), false),
        ("name", "startsWith", json!("Ada"), true),
        ("name", "endsWith", json!("lace"), true),
        ("name", "endsWith", json!("Lace"), false),
        ("total", "startsWith", json!("1"), false),
        ("name", "contains", json!("a L"), true),
        ("tags", "contains", json!("b"), true),
        ("tags", "contains", json!(3.0), true),
        ("tags", "contains", json!("c"), false),
        ("total", "contains", json!("1"), false),
        ("tags.1", "eq", json!("b"), true),
        ("tags.9", "exists", json!(false), true),
        ("items.0.sku", "startsWith", json!("x"), true),
        ("items.*.sku", "eq", json!("y-2"), true),
        ("items.*.n", "gt", json!(9), false),
        ("items.*.sku", "ne", json!("y-2"), false),
        ("items.*.price", "exists", json!(false), true),
        ("o.*", "exists", json!(true), false),
        ("tags.+1", "exists", json!(true), false),
    ] {
        check(&format!("data.{field}"), op, value, &data, expected);
    }
}

#[test]
fn a_list_spells_names_that_a_path_cannot() {
    let data = json!({ "price.net": { "*": { "0": 1 } }, "list": [7] });
    let eq = |path: Value, value: u8| filter(&json!({ "field": path, "op": "eq", "value": value })).matches(&data);
    assert!(eq(json!(["data", "price.net", "*", "0"]), 1));
    assert!(eq(json!(["data", "list", 0]), 7) && eq(json!(["data", "list", "0"]), 7));
    assert!(!eq(json!("data.price.net"), 1));
}

#[test]
fn conditions_combine() {
    let paid = json!({ "field": "data.paid", "op": "eq", "value": true });
    let large = json!({ "field": "data.total", "op": "gte", "value": 100 });
    let small = json!({ "paid": true, "total": 5 });
    assert!(!filter(&json!({ "all": [paid, large] })).matches(&small));
    assert!(filter(&json!({ "any": [paid, large] })).matches(&small));
    assert!(filter(&json!({ "all": [paid, { "not": large }] })).matches(&small));
}

#[test]
fn numbers_compare_by_value_without_loss() {
    let data = json!({ "n": 9_007_199_254_740_993_u64, "u": u64::MAX, "i": i64::MIN, "f": 0.1, "z": -0.0 });
    for (field, op, value) in [
        ("n", "gt", json!(9_007_199_254_740_992.0)),
        ("n", "ne", json!(9_007_199_254_740_992_u64)),
        ("u", "eq", json!(u64::MAX)),
        ("u", "lt", json!(18_446_744_073_709_551_616.0)),
        ("u", "lt", json!(1e300)),
        ("i", "gt", json!(-1e300)),
        ("i", "eq", json!(-9_223_372_036_854_775_808.0)),
        ("f", "gt", json!(0)),
        ("f", "lt", json!(1)),
        ("z", "eq", json!(0)),
    ] {
        check(&format!("data.{field}"), op, value, &data, true);
    }
}

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let source = json!({ "all": [
        { "field": "order.total", "op": "gte", "value": 1 },
        { "field": "data.a", "op": "matches", "value": "x" },
        { "field": "data.a", "op": "gt", "value": true },
        { "field": "data.a", "op": "in", "value": ["x", {}] },
        { "field": "data.a" },
        { "any": [] },
        { "not": 5 },
        { "all": [], "any": [] },
        { "feild": "data.a" },
        { "field": "data.a", "op": "exists", "value": "yes", "note": "x" },
    ]});
    let found = problems(&source);
    let starts = [
        "all[0].field must start with",
        "all[1].op must be one of",
        "all[2].value must be a number or a text",
        "all[3].value[1] must be a text,",
        "all[4].op is required",
        "all[5].any must have at least one",
        "all[6].not must be a condition",
        "all[7] must have only one of `all`, `any`",
        "all[8] must have one of",
        "all[9].note is not a field here",
        "all[9].value must be true or false",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found} / {start}");
    }
    for other in [json!(null), json!([]), json!("x"), json!({})] {
        assert_eq!(problems(&other).len(), 1, "{other}");
    }
}

fn exists(field: &str) -> Value {
    json!({ "field": field, "op": "exists" })
}

#[test]
fn every_bound_holds_exactly() {
    let nested = |depth: usize| (1..depth).fold(exists("data.a"), |inner, _| json!({ "not": inner }));
    let wide = |count: usize| json!({ "all": vec![exists("data.a"); count - 1] });
    let searching = |count: usize| json!({ "any": vec![exists("data.*"); count] });
    let deep = |steps: usize| exists(&format!("data{}", ".a".repeat(steps - 1)));
    let long = |bytes: usize| exists(&format!("data.{}", "a".repeat(bytes)));
    let value = |bytes: usize| json!({ "field": "data.a", "op": "eq", "value": "a".repeat(bytes) });
    let values = |count: usize| json!({ "field": "data.a", "op": "in", "value": vec![1; count] });
    for (at, over) in [
        (nested(DEPTH_MAX), nested(DEPTH_MAX + 1)),
        (wide(CONDITIONS_MAX), wide(CONDITIONS_MAX + 1)),
        (searching(SEARCHES_MAX), searching(SEARCHES_MAX + 1)),
        (deep(PATH_STEPS_MAX), deep(PATH_STEPS_MAX + 1)),
        (long(STEP_BYTES_MAX), long(STEP_BYTES_MAX + 1)),
        (value(VALUE_BYTES_MAX), value(VALUE_BYTES_MAX + 1)),
        (values(VALUES_MAX), values(VALUES_MAX + 1)),
    ] {
        filter(&at);
        assert_eq!(problems(&over).len(), 1, "{over}");
    }
    let fat = json!({ "all": vec![value(VALUE_BYTES_MAX); 16] });
    assert_eq!(problems(&fat), [format!("must have at most {FILTER_BYTES_MAX} bytes as JSON")]);
    let bomb = (0..3).fold(exists("data.a"), |inner, _| json!({ "all": vec![inner; 40] }));
    assert!(!problems(&bomb).is_empty());
}

#[test]
fn what_is_unmet_is_told_by_place_and_type() {
    let source = json!({ "all": [
        { "field": "data.paid", "op": "eq", "value": true },
        { "any": [
            { "field": "data.total", "op": "gte", "value": 100 },
            { "field": "data.customer.tier", "op": "eq", "value": "gold" },
        ] },
        { "not": exists("data.test") },
    ]});
    let filter = filter(&source);
    assert_eq!(filter.unmet(&json!({ "paid": true, "total": 100 })), []);
    let unmet = filter.unmet(&json!({ "paid": true, "total": "100", "test": null }));
    let shown: Vec<_> =
        unmet.iter().map(|one| (FieldProblem::at(one.path.clone(), FieldCode::Invalid, "").sentence(), one)).collect();
    let expected = [
        ("all[1].any[0] ", Some("data.total"), "gte", Found::Text),
        ("all[1].any[1] ", Some("data.customer.tier"), "eq", Found::Nothing),
        ("all[2] ", None, "not", Found::Object),
    ];
    assert_eq!(shown.len(), expected.len());
    for ((place, one), (path, field, op, found)) in shown.iter().zip(expected) {
        assert_eq!((place.as_str(), one.field.as_deref(), one.op, one.found), (path, field, op, found));
    }
}

#[test]
fn what_it_compares_with_stays_out_of_debug_output() {
    let filter = filter(&json!({ "field": "data.email", "op": "eq", "value": "ada@example.com" }));
    assert!(!format!("{filter:?}").contains("ada"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![any::<i64>(), -3..3i64].prop_map(Value::from),
        (-3.0..3.0f64).prop_map(Value::from),
        "[ab.]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab0]", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn any_condition() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(Op::ALL.map(Op::as_str).to_vec());
    let leaf = ("data(\\.[ab0*]){1,3}", words, any_json())
        .prop_map(|(field, op, value)| json!({ "field": field, "op": op, "value": value }));
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!({ "all": list })),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!({ "any": list })),
            inner.prop_map(|one| json!({ "not": one })),
        ]
    })
}

proptest! {
    #[test]
    fn anything_can_be_read_and_judged(source in prop_oneof![any_json(), any_condition()], data in any_json()) {
        match Filter::read(&source) {
            Err(problems) => prop_assert!(!problems.is_empty()),
            Ok(filter) => {
                prop_assert_eq!(filter.matches(&data), filter.unmet(&data).is_empty());
                let again = Filter::read(&serde_json::to_value(&filter).unwrap()).unwrap();
                prop_assert!(again == filter);
            }
        }
    }

    #[test]
    fn whole_numbers_have_one_order(a in any::<i64>(), b in any::<u64>()) {
        let data = json!({ "a": a });
        for (op, expected) in [
            ("lt", i128::from(a) < i128::from(b)),
            ("gt", i128::from(a) > i128::from(b)),
            ("eq", i128::from(a) == i128::from(b)),
        ] {
            prop_assert_eq!(filter(&json!({ "field": "data.a", "op": op, "value": b })).matches(&data), expected);
        }
    }

    #[test]
    fn a_fraction_lies_between_its_neighbours(whole in -1_000_000_000_000_i64..1_000_000_000_000, part in 0.001..0.999f64) {
        // Both halves are exact: the whole one has at most 40 bits.
        #[allow(clippy::cast_precision_loss, reason = "it has none here")]
        let data = json!({ "a": whole as f64 + part });
        for (op, value) in [("gt", whole), ("lt", whole + 1), ("ne", whole)] {
            let filter = filter(&json!({ "field": "data.a", "op": op, "value": value }));
            prop_assert!(filter.matches(&data));
        }
    }
}
