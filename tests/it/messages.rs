//! Messages: said in a conversation, told by what they are.

use serde_json::{Value, json};

use crate::support::core::{ids, made, path, told};
use crate::support::{TestApp, both_engines};

both_engines!(a_message_is_told_by_who_wrote_it, messages_are_in_their_conversation, a_message_can_be_corrected);

async fn a_message_is_told_by_who_wrote_it(app: TestApp) {
    let conversation = made(&app, "conversations", json!({})).await;
    let webhook = app.webhook("hook").await;
    let list = format!("{}/messages", path("conversations", &conversation));
    let mut expected = Vec::new();
    for (body, event, role) in [
        (json!({ "direction": "received", "text": "Where is my parcel?" }), "message.received", "customer"),
        (json!({ "direction": "sent", "role": "ai", "text": "On its way." }), "ai.reply.created", "ai"),
        (json!({ "direction": "sent", "text": "Anything else?", "senderId": "mira" }), "message.sent", "agent"),
    ] {
        let message = app.client.post(&list, &body).await.expect(201).data();
        assert_eq!((&message["role"], &message["conversationId"]), (&json!(role), &conversation["id"]));
        expected.push((event.to_owned(), message));
        app.advance(std::time::Duration::from_millis(1));
    }
    assert_eq!(told(&app, &webhook, 3).await, expected);
    app.finish().await;
}

async fn messages_are_in_their_conversation(app: TestApp) {
    let one = made(&app, "conversations", json!({})).await;
    let other = made(&app, "conversations", json!({})).await;
    let list = format!("{}/messages", path("conversations", &one));
    let mut made_ids = Vec::new();
    for text in ["first", "second"] {
        let body = json!({ "direction": "sent", "text": text });
        made_ids.push(app.client.post(&list, &body).await.expect(201).data()["id"].clone());
        app.advance(std::time::Duration::from_millis(1));
    }
    // By the list of all messages too, where the body names the conversation.
    let body = json!({ "conversationId": other["id"], "direction": "received", "text": "third" });
    let third = made(&app, "messages", body).await;
    let in_one = format!("conversations/{}/messages", one["id"].as_str().unwrap());
    assert_eq!(ids(&app, &in_one).await, [made_ids[1].clone(), made_ids[0].clone()]);
    assert_eq!(ids(&app, &format!("{in_one}?direction=received")).await, Vec::<Value>::new());
    assert_eq!(ids(&app, &format!("{in_one}?limit=1&page=2")).await, [made_ids[0].clone()]);
    let of_other = format!("messages?conversationId={}", other["id"].as_str().unwrap());
    assert_eq!(ids(&app, &of_other).await, [third["id"].clone()]);

    let gone = one["id"].as_str().unwrap().replace("cnv_0", "cnv_1");
    let body = json!({ "direction": "sent", "text": "x" });
    for id in [gone.as_str(), "cnv_x", third["id"].as_str().unwrap()] {
        let at = format!("/api/v1/conversations/{id}/messages");
        assert_eq!(app.client.get(&at).await.expect(404).code(), "RESOURCE_NOT_FOUND");
        assert_eq!(app.client.post(&at, &body).await.expect(404).code(), "RESOURCE_NOT_FOUND");
    }
    for (bad, at) in [
        (json!({ "direction": "sent", "text": "x", "conversationId": other["id"] }), "conversationId"),
        (json!({ "direction": "sideways", "text": "x" }), "direction"),
        (json!({ "direction": "sent" }), "text"),
        (json!({ "direction": "sent", "text": "" }), "text"),
        (json!({ "direction": "sent", "text": "x".repeat(10_001) }), "text"),
        (json!({ "direction": "sent", "role": "customer", "text": "x" }), "role"),
        (json!({ "direction": "received", "role": "ai", "text": "x" }), "role"),
    ] {
        let reply = app.client.post(&list, &bad).await.expect(422).json();
        assert_eq!(reply["error"]["details"]["errors"][0]["path"], json!([at]), "{bad}");
    }
    let nowhere = json!({ "conversationId": gone, "direction": "sent", "text": "x" });
    let reply = app.client.post("/api/v1/messages", &nowhere).await.expect(422).json();
    assert_eq!(reply["error"]["details"]["errors"][0]["path"], json!(["conversationId"]));
    app.client.get(&format!("/api/v1/{in_one}?conversationId=x")).await.expect(422);
    app.finish().await;
}

async fn a_message_can_be_corrected(app: TestApp) {
    let conversation = made(&app, "conversations", json!({})).await;
    let webhook = app.webhook("hook").await;
    let body = json!({ "conversationId": conversation["id"], "direction": "sent", "text": "Helo\nworld" });
    let message = made(&app, "messages", body).await;
    let at = path("messages", &message);
    let changed = app.client.patch(&at, &json!({ "text": "Hello\nworld" })).await.expect(200);
    assert_eq!((changed.header("etag"), &changed.data()["text"]), ("\"2\"", &json!("Hello\nworld")));
    app.client.patch(&at, &json!({ "direction": "received" })).await.expect(422);
    app.client.delete(&at).await.expect(200);
    told(&app, &webhook, 1).await;
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 1, "there are no events for corrections and deletions");
    app.finish().await;
}
