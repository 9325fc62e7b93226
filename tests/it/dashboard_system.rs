//! The system's page, for operators: which processes are alive, what waits where, and how far days are made ahead.

use std::time::Duration;

use angarium::app::{App, Role as Process};
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::{TestApp, TestEngine, both_engines, eventually};

both_engines!(a_process_is_alive_until_it_is_silent, what_waits_is_told, the_dead_are_forgotten);

async fn a_process_is_alive_until_it_is_silent(app: TestApp) {
    let operator = app.browser_of(Role::Operator).await;
    eventually("the process has said that it is alive", || async {
        let page = operator.open("/ui/system").await.text;
        let leads = page.contains(">all, leads<small class=\"id\">") && page.contains(">alive</span>");
        (leads && page.contains("lag of what nothing holds back</span><b>none</b>")).then_some(())
    })
    .await;
    // Its next word comes within seconds, by a clock that the test does not move.
    eventually("it is silent", || async {
        app.advance(Duration::from_secs(16));
        operator.open("/ui/system").await.text.contains(">silent</span>").then_some(())
    })
    .await;
    // Nobody else sees any of it.
    app.browser_of(Role::Owner).await.get("/ui/system").await.expect(403);
    app.finish().await;
}

async fn what_waits_is_told(app: TestApp) {
    let hook = app.webhook_with("hook", json!({}), Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    app.delivery_after(&event, 1).await;
    let operator = app.browser_of(Role::Operator).await;
    let page = operator.open("/ui/system").await.text;
    for said in [
        "<span>deliveries not final</span><b>1</b>",
        "<span>tickets queued at the broker</span><b>0</b>",
        "<span>requests on the wire</span><b>",
        "<span>webhooks with a backlog</span><b>1</b>",
        &hook.id,
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let partitions = match app.engine {
        TestEngine::Embedded => "none: one table for all days",
        TestEngine::Distributed => "days, made up to 2026-11-2",
    };
    assert!(page.contains(partitions), "{page}");
    app.finish().await;
}

async fn the_dead_are_forgotten(app: TestApp) {
    let (store, now) = (app.app().engine.store(), app.clock.now());
    let mut dead =
        eventually("the process has said that it is alive", || async { store.processes().await.unwrap().pop() }).await;
    "one that was killed".clone_into(&mut dead.node);
    dead.seen_at = now;
    store.process_was_seen(&dead).await.unwrap();
    let operator = app.browser_of(Role::Operator).await;
    assert!(operator.open("/ui/system").await.text.contains("one that was killed"));
    app.advance(Duration::from_mins(61));
    eventually("it is forgotten", || async {
        let processes = store.processes().await.unwrap();
        (processes.len() == 1 && processes[0].node != dead.node).then_some(())
    })
    .await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_process_is_seen_and_takes_its_leave() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let worker = App::start(&app.config, Process::Worker, app.clock.clone()).await.unwrap();
    let roles = async || {
        let processes = app.app().engine.store().processes().await.unwrap();
        let mut roles: Vec<_> = processes.into_iter().map(|process| (process.role, process.leads)).collect();
        roles.sort();
        roles
    };
    let both = vec![("all".to_owned(), true), ("worker".to_owned(), false)];
    eventually("both are seen", || async { (roles().await == both).then_some(()) }).await;
    worker.stop().await;
    assert_eq!(roles().await, both[..1]);
    app.finish().await;
}
