//! Calls: a state machine, each step of which webhooks are told of.

use serde_json::{Value, json};

use crate::support::core::{count_events, done, ids, made, path, told};
use crate::support::{TestApp, both_engines};

both_engines!(a_call_runs_its_course, a_call_fails, no_step_is_taken_out_of_order);

async fn call(app: &TestApp) -> Value {
    made(app, "calls", json!({ "customerPhone": "+49 30 123456" })).await
}

async fn a_call_runs_its_course(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let first = call(&app).await;
    assert_eq!((&first["status"], &first["direction"]), (&json!("initiated"), &json!("outbound")));
    assert_eq!(first["customerPhone"], "+4930123456");
    let mut steps = vec![("call.initiated".to_owned(), first.clone())];
    for (word, body, event, stamp) in [
        ("ring", json!({}), "call.ringing", "ringingAt"),
        ("answer", json!({}), "call.answered", "answeredAt"),
        ("complete", json!({ "durationSeconds": 61 }), "call.completed", "endedAt"),
        ("recording", json!({ "url": "https://rec.example/1" }), "call.recording.available", "recordingAvailableAt"),
    ] {
        app.advance(std::time::Duration::from_secs(1));
        let shown = done(&app, "calls", &first, word, body).await;
        assert_eq!(shown[stamp], json!(app.clock.now()), "{word}");
        steps.push((event.to_owned(), shown));
    }
    let last = &steps[4].1;
    assert_eq!((&last["status"], &last["durationSeconds"]), (&json!("completed"), &json!(61)));
    assert_eq!(last["recordingUrl"], "https://rec.example/1");
    assert_eq!(told(&app, &webhook, 5).await, steps);
    assert_eq!(ids(&app, "calls?status=completed").await, [first["id"].clone()]);
    assert_eq!(ids(&app, "calls?status=initiated").await, Vec::<Value>::new());
    app.finish().await;
}

async fn a_call_fails(app: TestApp) {
    app.webhook("hook").await;
    for steps in [vec![], vec!["ring"], vec!["ring", "answer"]] {
        let call = call(&app).await;
        for word in steps {
            done(&app, "calls", &call, word, json!({})).await;
        }
        let failed = done(&app, "calls", &call, "fail", json!({ "reason": "busy" })).await;
        assert_eq!((&failed["status"], &failed["failureReason"]), (&json!("failed"), &json!("busy")));
    }
    assert_eq!(count_events(&app, "call.failed").await, 3);
    app.finish().await;
}

async fn no_step_is_taken_out_of_order(app: TestApp) {
    app.webhook("hook").await;
    let call = call(&app).await;
    let at = path("calls", &call);
    for word in ["answer", "complete"] {
        let error = app.client.post(&format!("{at}/{word}"), &json!({})).await.expect(409).json()["error"].clone();
        assert_eq!(error["code"], "CONFLICT");
        assert!(error["message"].as_str().unwrap().starts_with("The call's `status` is `initiated`"), "{error}");
    }
    let early = app.client.post(&format!("{at}/recording"), &json!({ "url": "https://rec.example/1" })).await;
    assert_eq!(early.expect(409).code(), "CONFLICT");
    // Of two who answer at once, one does.
    done(&app, "calls", &call, "ring", json!({})).await;
    let answer = format!("{at}/answer");
    let body = json!({});
    let replies = futures_util::future::join_all((0..6).map(|_| app.client.post(&answer, &body))).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    assert_eq!(count_events(&app, "call.answered").await, 1);
    for change in [json!({ "status": "failed" }), json!({ "customerPhone": "+4930999999" }), json!({ "endedAt": null })]
    {
        let reply = app.client.patch(&at, &change).await;
        assert_eq!(reply.status, if change.get("endedAt").is_some() { 200 } else { 422 }, "{}", reply.text);
    }
    for (word, body) in [
        ("complete", json!({ "durationSeconds": -1 })),
        ("complete", json!({ "durationSeconds": 1.5 })),
        ("complete", json!({ "durationSeconds": 86_401 })),
        ("recording", json!({})),
        ("recording", json!({ "url": "ftp://rec.example/1" })),
        ("fail", json!({ "why": "busy" })),
    ] {
        app.client.post(&format!("{at}/{word}"), &body).await.expect(422);
    }
    // What is not to be recorded has no recording.
    let quiet = made(&app, "calls", json!({ "customerPhone": "+4930123456", "recordingEnabled": false })).await;
    for word in ["ring", "answer", "complete"] {
        done(&app, "calls", &quiet, word, json!({})).await;
    }
    let url = json!({ "url": "https://rec.example/1" });
    app.client.post(&format!("{}/recording", path("calls", &quiet)), &url).await.expect(409);
    app.finish().await;
}
