//! Conversations: what may be done with one in which state, what webhooks are told of it, and how lists find them.

use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::core::{count_events, done, ids, made, path, told};
use crate::support::{TestApp, both_engines};

both_engines!(
    each_action_tells_of_itself,
    an_update_tells_what_an_action_would,
    illegal_steps_are_refused_and_leave_nothing,
    lists_find_by_every_filter,
    references_must_be_there,
    a_conversation_takes_its_messages_with_it,
);

async fn user(app: &TestApp) -> Value {
    made(app, "users", json!({ "name": "Mira", "email": "mira@desk.example" })).await
}

async fn each_action_tells_of_itself(app: TestApp) {
    let mira = user(&app).await;
    let webhook = app.webhook_with("hook", json!({ "events": ["conversation.*"] }), Behaviour::default()).await;
    let body = json!({ "subject": "Invoice", "channel": "email", "labels": ["billing"], "priority": "high" });
    let conversation = made(&app, "conversations", body).await;
    assert_eq!((&conversation["status"], &conversation["escalated"]), (&json!("open"), &json!(false)));
    let mut steps = vec![("conversation.created".to_owned(), conversation.clone())];
    for (word, body, event, field, value) in [
        ("assign", json!({ "assignedTo": mira["id"] }), "conversation.assigned", "assignedTo", mira["id"].clone()),
        ("escalate", json!({ "reason": "refund" }), "conversation.escalated", "escalationReason", json!("refund")),
        ("close", json!({}), "conversation.closed", "status", json!("closed")),
        ("reopen", json!({}), "conversation.updated", "status", json!("open")),
    ] {
        app.advance(std::time::Duration::from_secs(1));
        let shown = done(&app, "conversations", &conversation, word, body).await;
        assert_eq!(shown[field], value, "{word}");
        assert_eq!(shown["updatedAt"], json!(app.clock.now()), "{word}");
        steps.push((event.to_owned(), shown));
    }
    let last = &steps[4].1;
    assert_eq!((&last["escalated"], &last["escalationReason"]), (&json!(false), &Value::Null));
    assert_eq!(last["closedAt"], steps[3].1["updatedAt"], "when it was last closed");
    assert_eq!(told(&app, &webhook, 5).await, steps);
    // An action without a body, and without one that it could take.
    let at = path("conversations", &conversation);
    let bare = app.client.request(reqwest::Method::POST, &format!("{at}/escalate"));
    assert_eq!(app.client.send(bare).await.expect(200).data()["escalated"], true);
    app.finish().await;
}

async fn an_update_tells_what_an_action_would(app: TestApp) {
    let mira = user(&app).await;
    app.webhook("hook").await;
    for (change, event) in [
        (json!({ "subject": "Other" }), "conversation.updated"),
        (json!({ "status": "pending", "priority": "urgent" }), "conversation.updated"),
        (json!({ "assignedTo": mira["id"], "labels": ["a"] }), "conversation.assigned"),
        (json!({ "escalated": true }), "conversation.escalated"),
        (json!({ "status": "closed" }), "conversation.closed"),
    ] {
        let conversation = made(&app, "conversations", json!({ "subject": "x" })).await;
        let before = count_events(&app, event).await;
        app.client.put(&path("conversations", &conversation), &change).await.expect(200);
        assert_eq!(count_events(&app, event).await, before + 1, "{change}");
    }
    assert_eq!(count_events(&app, "conversation.updated").await, 2);
    // One event tells of one write: two that have one each are two writes.
    let conversation = made(&app, "conversations", json!({})).await;
    let both = json!({ "status": "closed", "assignedTo": mira["id"] });
    let reply = app.client.patch(&path("conversations", &conversation), &both).await.expect(422).json();
    let error = &reply["error"]["details"]["errors"][0];
    assert_eq!((&error["path"], &error["code"]), (&json!(["assignedTo"]), &json!("MISMATCH")));
    app.finish().await;
}

async fn illegal_steps_are_refused_and_leave_nothing(app: TestApp) {
    let mira = user(&app).await;
    app.webhook("hook").await;
    let conversation = made(&app, "conversations", json!({ "subject": "x" })).await;
    let at = path("conversations", &conversation);
    let refused = async |word: &str, body: Value, sentence: &str| {
        let error = app.client.post(&format!("{at}/{word}"), &body).await.expect(409).json()["error"].clone();
        assert_eq!((&error["code"], &error["message"]), (&json!("CONFLICT"), &json!(sentence)), "{word}");
    };
    let reopen = "The conversation's `status` is `open`; to reopen it, it must be `closed`.";
    refused("reopen", json!({}), reopen).await;
    done(&app, "conversations", &conversation, "escalate", json!({})).await;
    let again = "The conversation's `escalated` is true; to escalate it, it must be false.";
    refused("escalate", json!({}), again).await;
    done(&app, "conversations", &conversation, "close", json!({})).await;
    let closed =
        |word: &str| format!("The conversation's `status` is `closed`; to {word} it, it must be `open` or `pending`.");
    refused("close", json!({}), &closed("close")).await;
    refused("escalate", json!({}), &closed("escalate")).await;
    refused("assign", json!({ "assignedTo": mira["id"] }), &closed("assign")).await;
    for (event, count) in [
        ("conversation.escalated", 1),
        ("conversation.closed", 1),
        ("conversation.assigned", 0),
        ("conversation.updated", 0),
    ] {
        assert_eq!(count_events(&app, event).await, count, "{event}");
    }
    for (word, body) in [
        ("assign", json!({})),
        ("assign", json!({ "assignedTo": null })),
        ("assign", json!({ "assignedTo": "nobody" })),
        ("assign", json!({ "assignee": mira["id"] })),
        ("escalate", json!({ "reason": 5 })),
        ("escalate", json!({ "reason": "x".repeat(501) })),
        ("close", json!({ "status": "closed" })),
    ] {
        let reply = app.client.post(&format!("{at}/{word}"), &body).await.expect(422);
        assert_eq!(reply.code(), "VALIDATION_ERROR", "{word} {body}");
    }
    app.client.post(&format!("{at}/archive"), &json!({})).await.expect(404);
    app.client.get(&format!("{at}/close")).await.expect(405);
    app.finish().await;
}

async fn lists_find_by_every_filter(app: TestApp) {
    let mira = user(&app).await;
    let ada = made(&app, "customers", json!({ "firstName": "Ada" })).await;
    let (mira, ada) = (mira["id"].as_str().unwrap(), ada["id"].as_str().unwrap());
    let bodies = [
        json!({ "customerId": ada, "priority": "urgent", "inboxId": "billing" }),
        json!({ "customerId": ada, "assignedTo": mira, "status": "pending" }),
        json!({ "assignedTo": mira, "inboxId": "billing", "escalated": true }),
    ];
    let mut made_ids = Vec::new();
    for body in bodies {
        made_ids.push(made(&app, "conversations", body).await["id"].clone());
        app.advance(std::time::Duration::from_millis(1));
    }
    for (query, expected) in [
        (String::new(), vec![2, 1, 0]),
        (format!("customerId={ada}"), vec![1, 0]),
        (format!("assignedTo={mira}"), vec![2, 1]),
        (format!("assignedTo={mira}&customerId={ada}"), vec![1]),
        ("inboxId=billing".to_owned(), vec![2, 0]),
        ("priority=urgent".to_owned(), vec![0]),
        ("status=open".to_owned(), vec![2, 0]),
        ("status=closed".to_owned(), vec![]),
        ("escalated=true".to_owned(), vec![2]),
        (format!("customerId={ada}&inboxId=billing&status=open&priority=urgent&escalated=false"), vec![0]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|index: usize| made_ids[index].clone()).collect();
        assert_eq!(ids(&app, &format!("conversations?{query}")).await, expected, "{query}");
    }
    let list = app.client.get("/api/v1/conversations").await.expect(200).json();
    assert_eq!(list["pagination"]["limit"], 50);
    for bad in ["status=done", "priority=5", "customerId=5", "assignedTo=cus_x", "escalated=yes", "limit=101"] {
        app.client.get(&format!("/api/v1/conversations?{bad}")).await.expect(422);
    }
    app.finish().await;
}

async fn references_must_be_there(app: TestApp) {
    let ada = made(&app, "customers", json!({ "firstName": "Ada" })).await;
    let nobody = ada["id"].as_str().unwrap().replace("cus_", "usr_");
    app.client.delete(&path("customers", &ada)).await.expect(200);
    let body = json!({ "customerId": ada["id"], "assignedTo": nobody });
    let reply = app.client.post("/api/v1/conversations", &body).await.expect(422).json();
    let errors = reply["error"]["details"]["errors"].as_array().unwrap().clone();
    let told: Vec<_> = errors.iter().map(|error| (&error["path"][0], &error["message"])).collect();
    let expected = [
        (&json!("customerId"), &json!("names no customer of yours")),
        (&json!("assignedTo"), &json!("names no user of yours")),
    ];
    assert_eq!(told, expected);
    assert_eq!(ids(&app, "conversations").await, Vec::<Value>::new());

    // A customer's conversations stay when it goes, and can be worked on.
    let bo = made(&app, "customers", json!({ "firstName": "Bo" })).await;
    let conversation = made(&app, "conversations", json!({ "customerId": bo["id"] })).await;
    app.client.delete(&path("customers", &bo)).await.expect(200);
    let at = path("conversations", &conversation);
    let changed = app.client.patch(&at, &json!({ "subject": "still here" })).await.expect(200).data();
    assert_eq!(changed["customerId"], bo["id"]);
    let reply = app.client.patch(&at, &json!({ "assignedTo": nobody })).await.expect(422).json();
    assert_eq!(reply["error"]["details"]["errors"][0]["path"], json!(["assignedTo"]));
    app.finish().await;
}

async fn a_conversation_takes_its_messages_with_it(app: TestApp) {
    let mut messages = Vec::new();
    let mut conversations = Vec::new();
    for _ in 0..2 {
        let conversation = made(&app, "conversations", json!({})).await;
        let list = format!("{}/messages", path("conversations", &conversation));
        let body = json!({ "direction": "received", "text": "hello" });
        messages.push(app.client.post(&list, &body).await.expect(201).data());
        conversations.push(conversation);
    }
    app.client.delete(&path("conversations", &conversations[0])).await.expect(200);
    app.client.get(&path("messages", &messages[0])).await.expect(404);
    app.client.get(&path("messages", &messages[1])).await.expect(200);
    assert_eq!(ids(&app, "messages").await, [messages[1]["id"].clone()]);
    app.client.get(&format!("{}/messages", path("conversations", &conversations[0]))).await.expect(404);
    app.finish().await;
}
