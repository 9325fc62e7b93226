//! The database: the same tables on both engines, no statement that reads a growing table from end to end, days made
//! ahead and dropped when they are old.

use std::collections::BTreeMap;
use std::time::Duration;

use angarium::store::{PG_PLANNER, hot};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _, SqliteConnection};

use crate::support::client::JsonBody as _;
use crate::support::{TestApp, TestEngine, both_engines, eventually};

both_engines!(old_days_are_dropped, idempotency_keys_are_forgotten);

/// Tables that grow with traffic.
const GROWING: &[&str] = &[
    "events",
    "deliveries",
    "attempts",
    "due",
    "dead_letters",
    "idempotency",
    "records",
    "record_facets",
    "sessions",
    "login_guesses",
    "delivery_stats",
    "replays",
    "replay_runs",
    "audit_log",
    "mails",
    "portal_links",
];
/// Statements that take so many rows from one end of a table, and no more: a plan of `SQLite` does not show that.
const FROM_ONE_END: &[&str] = &["backlog", "count pending", "count a backlog"];
const DAY: Duration = Duration::from_hours(24);

pub(crate) async fn postgres(app: &TestApp) -> PgConnection {
    PgConnection::connect(app.config.store.url.expose_secret()).await.unwrap()
}

async fn sqlite(app: &TestApp) -> SqliteConnection {
    let path = app.config.store.url.expose_secret().strip_prefix("sqlite:").unwrap().to_owned();
    SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap()
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    match app.engine {
        TestEngine::Embedded => sqlx::query_scalar(sql).fetch_one(&mut sqlite(app).await).await.unwrap(),
        TestEngine::Distributed => {
            let mut db = postgres(app).await;
            let count = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
            // A session that is still there keeps its database from being dropped.
            db.close().await.unwrap();
            count
        }
    }
}

/// The columns of each table, with whether they may be null.
type Tables = BTreeMap<String, BTreeMap<String, bool>>;

fn tables(columns: Vec<(String, String, bool)>) -> Tables {
    let mut tables = Tables::new();
    for (table, column, nullable) in columns.into_iter().filter(|(table, _, _)| !table.starts_with("_sqlx")) {
        tables.entry(table).or_default().insert(column, nullable);
    }
    tables
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_tables_and_columns() {
    let distributed = TestApp::start(TestEngine::Distributed).await;
    let embedded = TestApp::start(TestEngine::Embedded).await;
    let there = sqlx::query_as(
        "select c.table_name::text, c.column_name::text, c.is_nullable = 'YES' from information_schema.columns c \
         join pg_class p on p.relname = c.table_name and not p.relispartition where c.table_schema = 'public'",
    );
    let here = sqlx::query_as(
        "select m.name, c.name, not (c.\"notnull\" or c.pk > 0) from sqlite_master m, pragma_table_info(m.name) c \
         where m.type = 'table' and m.name not like 'sqlite_%'",
    );
    let mut db = postgres(&distributed).await;
    let there = tables(there.fetch_all(&mut db).await.unwrap());
    db.close().await.unwrap();
    let here = tables(here.fetch_all(&mut sqlite(&embedded).await).await.unwrap());
    assert_eq!(there.keys().collect::<Vec<_>>(), here.keys().collect::<Vec<_>>());
    assert!(GROWING.iter().all(|table| there.contains_key(*table)));
    assert_eq!(there, here);
    distributed.finish().await;
    embedded.finish().await;
}

/// How many `$n` a statement has.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1);
    let digits = numbers.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.filter_map(|digits| digits.parse().ok()).max().unwrap_or(0)
}

fn is_growing(relation: &str) -> bool {
    GROWING.iter().any(|table| relation == *table || relation.starts_with(&format!("{table}_2")))
}

/// Nodes of a plan that read a growing table without an index or by a bitmap, a whole index without a limit, or for
/// each row of another table the same rows again.
fn scans(plan: &Value, under_limit: bool, for_each: bool, found: &mut Vec<String>) {
    let node = plan["Node Type"].as_str().unwrap_or_default();
    let relation = plan["Relation Name"].as_str().unwrap_or_default();
    if node.ends_with("Scan") && is_growing(relation) {
        let condition = plan["Index Cond"].as_str();
        let bounded = condition.is_some() || (node.starts_with("Index") && under_limit);
        if !bounded {
            found.push(format!("{node} on {relation}"));
        }
        // A column of another table has that table's name before it. By its key it is one row.
        let finds_its_own = |condition: &str| condition.contains('.') || condition.starts_with("(delivery_id = ");
        if for_each && condition.is_some_and(|condition| !finds_its_own(condition)) {
            found.push(format!("{node} on {relation} for each row of another"));
        }
    }
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        let is_inner = node == "Nested Loop" && inner["Parent Relationship"] == "Inner";
        scans(inner, node == "Limit", for_each || is_inner, found);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hot_statement_scans_a_growing_table_on_postgres() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let mut db = postgres(&app).await;
    for (setting, value) in PG_PLANNER {
        sqlx::raw_sql(&format!("set {setting} = {value}")).execute(&mut db).await.unwrap();
    }
    for (number, (name, sql)) in hot::postgres().into_iter().enumerate() {
        let nulls = vec!["null"; parameters(sql)].join(", ");
        let nulls = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
        sqlx::raw_sql(&format!("prepare s{number} as {sql}")).execute(&mut db).await.unwrap();
        let explain = format!("explain (format json) execute s{number}{nulls}");
        let row = sqlx::raw_sql(&explain).fetch_one(&mut db).await.unwrap();
        let plan: Value = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
        let mut found = Vec::new();
        scans(&plan[0]["Plan"], false, false, &mut found);
        assert!(found.is_empty(), "{name}: {found:?}\n{plan:#}");
    }
    db.close().await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hot_statement_scans_a_growing_table_on_sqlite() {
    let app = TestApp::start(TestEngine::Embedded).await;
    let mut db = sqlite(&app).await;
    for (name, sql) in hot::sqlite() {
        let explain = format!("explain query plan {sql}");
        for row in sqlx::query(&explain).fetch_all(&mut db).await.unwrap() {
            let step: String = row.get("detail");
            let mut words = step.split(' ');
            let scanned = words.next() == Some("SCAN")
                && words.next().is_some_and(|table| {
                    // What the statements call these tables.
                    is_growing(table) || ["d", "q", "l", "r", "w", "f", "p"].contains(&table)
                });
            assert!(!scanned || FROM_ONE_END.contains(&name), "{name}: {step}");
        }
    }
    db.close().await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_made_ahead() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let names = async || -> Vec<String> {
        let children = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid order by 1";
        let mut db = postgres(&app).await;
        let names = sqlx::query_scalar(children).fetch_all(&mut db).await.unwrap();
        db.close().await.unwrap();
        names
    };
    let has = |names: &[String], day: &str| {
        ["events", "deliveries", "attempts"].iter().all(|table| names.contains(&format!("{table}_{day}")))
    };
    // From yesterday, for clocks that differ, to a week ahead.
    let first = names().await;
    assert!(has(&first, "20261120") && has(&first, "20261128"), "{first:?}");
    for day in ["20261129", "20261130", "20261201"] {
        assert!(!has(&names().await, day));
        app.advance(DAY);
        eventually("the next day is made", || async { has(&names().await, day).then_some(()) }).await;
    }
    app.publish("a.b", json!({})).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_drop_a_partition_at_once() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let (store, start) = (app.app().engine.store(), app.clock.now());
    for day in 9..17 {
        let ahead = start.after(DAY * day);
        store.make_partitions(ahead, 0).await.unwrap();
        // Those of one more day than before, on as many connections.
        let before = start.after(DAY * (day + 1));
        let days = async || store.partition_days().await.unwrap().map_or(0, |(days, _)| days);
        let days_before = days().await;
        let (one, two, three) = tokio::join!(
            store.drop_older_than(before, 1),
            store.drop_older_than(before, 1),
            store.drop_older_than(before, 1)
        );
        // Each is dropped, and by one of them.
        let dropped = usize::try_from(one.unwrap() + two.unwrap() + three.unwrap()).unwrap();
        assert_eq!(dropped, 3 * (days_before - days().await));
        assert!(dropped > 0);
    }
    app.finish().await;
}

async fn old_days_are_dropped(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let event = app.publish("a.b", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    app.receiver.behave(&webhook.path, angarium::receiver::Behaviour::status(500));
    let waiting = app.publish("a.b", json!({})).await;
    app.delivery_after(&waiting, 1).await;
    // A week at a time, as partitions are made; each time somebody publishes.
    let mut newest = String::new();
    for _ in 0..5 {
        app.advance(Duration::from_mins(7 * 24 * 60 - 1));
        newest = publish_when_possible(&app).await;
    }
    for old in [&event, &waiting] {
        eventually("the old event is gone, with its deliveries", || async {
            let gone = app.client.get(&format!("/api/v1/events/{old}")).await.status == 404;
            (gone && app.deliveries(old).await.is_empty()).then_some(())
        })
        .await;
    }
    app.client.get(&format!("/api/v1/events/{newest}")).await.expect(200);
    // Its dead letter and its attempts went with it.
    let letters = app.client.get("/api/v1/dead-letters?limit=100").await.expect(200).json();
    assert!(letters["data"].as_array().unwrap().iter().all(|letter| letter["eventId"] != waiting.as_str()));
    let orphans = "select count(*) from attempts where delivery_id not in (select id from deliveries)";
    eventually("no attempt is left of them", || async { (count(&app, orphans).await == 0).then_some(()) }).await;
    app.finish().await;
}

/// The chores of the hour may not have run yet when the clock has just been moved by a week.
async fn publish_when_possible(app: &TestApp) -> String {
    eventually("the day's partition is there", || async {
        let reply = app.client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await;
        (reply.status == 202).then(|| reply.data()["id"].as_str().unwrap().to_owned())
    })
    .await
}

async fn idempotency_keys_are_forgotten(app: TestApp) {
    let publish = async |n: u32| {
        let request = app.client.request(Method::POST, "/api/v1/events").header("idempotency-key", "once");
        app.client.send(request.json_body(&json!({ "type": "a.b", "data": { "n": n } }))).await
    };
    let first = publish(1).await.expect(202).data();
    assert_eq!(publish(1).await.expect(202).data()["id"], first["id"]);
    assert_eq!(publish(2).await.expect(422).code(), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(count(&app, "select count(*) from idempotency").await, 1);
    app.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(publish(1).await.expect(202).data()["id"], first["id"]);
    // Past its time a key is free, whether or not it was purged.
    app.advance(Duration::from_secs(2));
    assert_ne!(publish(2).await.expect(202).data()["id"], first["id"]);
    app.advance(DAY + Duration::from_mins(10));
    eventually("the keys are purged", || async {
        (count(&app, "select count(*) from idempotency").await == 0).then_some(())
    })
    .await;
    app.finish().await;
}
