use serde_json::json;
use uuid::Uuid;

use super::life::{News, Refused};
use super::record::Record;
use super::search::CONDITIONS_MAX;
use super::*;
use crate::domain::event::EventType;
use crate::domain::id::{RecordId, TenantId};
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is an object") };
    map
}

fn record(noun: &'static Noun, document: Document) -> Record {
    let scope = Scope { tenant: TenantId(Uuid::nil()), environment: Environment::Staging };
    let id = RecordId::new(noun.prefix, NOW, 7);
    Record { noun, id, scope, document, version: 1, created_at: NOW, updated_at: NOW }
}

fn created(noun: &'static Noun, body: Value) -> Record {
    let sentences = |problems: Vec<FieldProblem>| problems.iter().map(FieldProblem::sentence).collect::<Vec<_>>();
    let mut document = noun.create(object(body)).map_err(sentences).unwrap();
    let _ = noun.born(&mut document, NOW);
    record(noun, document)
}

fn refused(noun: &'static Noun, body: Value) -> Vec<String> {
    noun.create(object(body)).unwrap_err().iter().map(FieldProblem::sentence).collect()
}

/// What a noun's fields would be told of their own example.
fn example(noun: &'static Noun) -> Record {
    let shown = object(serde_json::from_str(noun.example).unwrap());
    let time = |name: &str| Timestamp::parse_rfc3339(shown[name].as_str().unwrap()).unwrap();
    let id = RecordId::parse(noun.prefix, shown["id"].as_str().unwrap()).unwrap();
    let (created_at, updated_at) = (time("createdAt"), time("updatedAt"));
    let document = noun.fields.iter().map(|field| (field.name.to_owned(), shown[field.name].clone())).collect();
    Record { id, created_at, updated_at, ..record(noun, document) }
}

#[test]
fn the_table_is_sound() {
    for noun in NOUNS {
        let field = |name: &str| noun.fields.iter().any(|field| field.name == name);
        assert!(noun.event_types().all(|event| EventType::parse(event).is_ok()));
        assert!(noun.filters.iter().all(|filter| field(filter.name) || matches!(filter.by, FilterBy::Words(_))));
        let most: usize = noun.filters.iter().map(Filter::conditions_max).sum();
        assert!(most <= CONDITIONS_MAX, "{}: {most}", noun.name);
        for change in noun.changes {
            assert!(field(change.field) && change.stamps.is_none_or(field));
        }
        for action in noun.actions {
            let named = action.takes.iter().map(|(_, into)| *into).chain(action.needs.iter().map(|(name, _)| *name));
            assert!(named.chain(action.sets.iter().map(|(name, _)| *name)).all(field));
        }
        assert!(noun.parent.is_none_or(field));
        assert_eq!(Noun::named(noun.name).map(|found| found.prefix), Some(noun.prefix));
    }
    assert!(Noun::named("webhook").is_none());
    assert!(Permission::is_word("write:customers"));
}

#[test]
fn examples_are_what_a_record_looks_like_and_can_be_written_back() {
    for noun in NOUNS {
        let example = example(noun);
        let shown: Value = serde_json::from_str(noun.example).unwrap();
        assert_eq!(serde_json::to_value(&example).unwrap(), shown);
        let mut again = noun.change(object(shown), &example).unwrap();
        assert_eq!(noun.changed(&example.document, &mut again, NOW), Ok(News::None), "{}", noun.name);
    }
}

#[test]
fn fields_are_shown_in_their_order() {
    let text = serde_json::to_string(&created(&customers::CUSTOMER, json!({ "email": "a@b.example" }))).unwrap();
    let places: Vec<_> = ["id", "profile", "firstName", "email", "tier", "tags", "createdAt"]
        .map(|name| text.find(&format!("\"{name}\":")).unwrap())
        .to_vec();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_profile_is_given_inside_or_beside() {
    let beside = created(&customers::CUSTOMER, json!({ "firstName": "Ada", "phone": "+49 (30) 123-456" }));
    let inside = created(&customers::CUSTOMER, json!({ "profile": { "firstName": "Ada", "phone": "+4930123456" } }));
    assert_eq!(beside.document, inside.document);
    assert_eq!(beside.document["tier"], "bronze");
    let both = json!({ "firstName": "Ada", "profile": { "firstName": "Bo" } });
    assert_eq!(refused(&customers::CUSTOMER, both), ["firstName differs from `profile.firstName`: give one"]);
    assert_eq!(
        refused(&customers::CUSTOMER, json!({ "firstName": "Ada", "profile": 7 })),
        ["profile must be a JSON object"]
    );
}

#[test]
fn somebody_must_be_known() {
    let sentence = "needs at least one of `firstName`, `lastName`, `email`, `phone`";
    assert_eq!(refused(&customers::CUSTOMER, json!({ "company": "Acme" })), [sentence]);
    let customer = created(&customers::CUSTOMER, json!({ "email": "a@b.example" }));
    let gone = customers::CUSTOMER.change(object(json!({ "profile": { "email": null } })), &customer).unwrap_err();
    assert_eq!(gone[0].sentence(), sentence);
    assert_eq!(refused(&leads::LEAD, json!({})), ["needs at least one of `name`, `email`, `phone`"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let body = json!({
        "profile": { "email": "nobody", "phone": "12", "nick": "x" },
        "tier": "standard", "tags": ["a", "", 5], "customFields": [], "colour": "red", "id": "cus_x",
    });
    let expected = [
        "id is set by Angarium",
        "profile.email must be an email address",
        "profile.phone must be a phone number",
        "profile.nick is not a field here",
        "tier must be `bronze`, `silver`, `gold`, `platinum`",
        "tags[1] must have 1 to 50",
        "tags[2] must be a string",
        "customFields must be a JSON object",
        "colour is not a field here",
    ];
    let sentences = refused(&customers::CUSTOMER, body);
    assert_eq!(sentences.len(), expected.len(), "{sentences:#?}");
    assert!(sentences.iter().zip(expected).all(|(is, begins)| is.starts_with(begins)), "{sentences:#?}");
}

#[test]
fn a_change_keeps_resets_and_sets() {
    let body = json!({ "firstName": "Ada", "email": "a@b.example", "tier": "gold", "customFields": { "a": 1 } });
    let customer = created(&customers::CUSTOMER, body);
    let change = json!({ "profile": { "email": null }, "tier": null, "customFields": { "b": 2 } });
    let changed = customers::CUSTOMER.change(object(change), &customer).unwrap();
    assert_eq!(changed["profile"]["firstName"], "Ada");
    assert_eq!(changed["profile"]["email"], Value::Null);
    assert_eq!((&changed["tier"], &changed["customFields"]), (&json!("bronze"), &json!({ "b": 2 })));
    let call = created(&calls::CALL, json!({ "customerPhone": "+4930123456" }));
    let fixed = calls::CALL.change(object(json!({ "customerPhone": "+4930999999", "status": "failed" })), &call);
    let sentences: Vec<_> = fixed.unwrap_err().iter().map(FieldProblem::sentence).collect();
    assert_eq!(sentences, ["customerPhone cannot be changed", "status is set by Angarium, not by clients"]);
}

#[test]
fn an_event_is_told_by_what_changes() {
    let born = |noun: &'static Noun, body| noun.born(&mut noun.create(object(body)).unwrap(), NOW);
    let message = |direction: &str, role: &str| {
        let conversation = RecordId::new("cnv", NOW, 1);
        let body = json!({ "conversationId": conversation, "direction": direction, "role": role, "text": "hi" });
        born(&messages::MESSAGE, body)
    };
    assert_eq!(message("sent", "ai"), News::Event("ai.reply.created"));
    assert_eq!(message("sent", "agent"), News::Event("message.sent"));
    assert_eq!(message("received", "customer"), News::Event("message.received"));

    let conversation = created(&conversations::CONVERSATION, json!({ "subject": "x" }));
    let told = |body| {
        let mut after = conversations::CONVERSATION.change(object(body), &conversation).unwrap();
        let told = conversations::CONVERSATION.changed(&conversation.document, &mut after, NOW);
        (told, after)
    };
    assert_eq!(told(json!({ "status": "open" })).0, Ok(News::None));
    assert_eq!(told(json!({ "priority": "low" })).0, Ok(News::Event("conversation.updated")));
    let (closed, after) = told(json!({ "status": "closed" }));
    assert_eq!(closed, Ok(News::Event("conversation.closed")));
    assert_eq!(after["closedAt"], NOW.to_string());
    let two = told(json!({ "status": "closed", "escalated": true })).0.unwrap_err();
    assert_eq!(two[0].sentence(), "escalated has an event of its own, as `status` has: change them one by one");
}

#[test]
fn calls_take_no_step_out_of_order() {
    let action = |word: &str| calls::CALL.actions.iter().find(|action| action.word == word).unwrap();
    let status = |record: &Record| record.document["status"].as_str().unwrap().to_owned();
    let legal = [
        ("initiated", vec!["ring", "fail"]),
        ("ringing", vec!["answer", "fail"]),
        ("answered", vec!["complete", "fail"]),
        ("completed", vec!["recording"]),
        ("failed", vec![]),
    ];
    for (from, words) in legal {
        let mut call = created(&calls::CALL, json!({ "customerPhone": "+4930123456" }));
        call.document.insert("status".to_owned(), from.into());
        for other in calls::CALL.actions {
            let body = if other.word == "recording" { json!({ "url": "https://a.example/r" }) } else { json!({}) };
            let done = other.apply(object(body), &call);
            assert_eq!(done.is_ok(), words.contains(&other.word), "{from}: {}", other.word);
        }
    }
    let mut call = created(&calls::CALL, json!({ "customerPhone": "+4930123456" }));
    for (word, body, event) in [
        ("ring", json!({}), "call.ringing"),
        ("answer", json!({}), "call.answered"),
        ("complete", json!({ "durationSeconds": 61 }), "call.completed"),
        ("recording", json!({ "url": "https://a.example/r" }), "call.recording.available"),
    ] {
        let mut after = action(word).apply(object(body), &call).unwrap();
        assert_eq!(calls::CALL.changed(&call.document, &mut after, NOW), Ok(News::Event(event)));
        call.document = after;
    }
    assert_eq!((status(&call), &call.document["durationSeconds"]), ("completed".to_owned(), &json!(61)));
    let again = action("recording").apply(object(json!({ "url": "https://a.example/s" })), &call);
    let Err(Refused::State(sentence)) = again else { panic!("refused for its state") };
    assert!(sentence.starts_with("The call's `recordingUrl` is `https://a.example/r`"), "{sentence}");
    assert!(matches!(action("recording").apply(Map::new(), &call), Err(Refused::Body(_))));
}

#[test]
fn words_find_a_record() {
    let body =
        json!({ "firstName": "Änne-Marie", "email": "anna@mail.example", "phone": "+49 30 1234", "tags": ["VIP x"] });
    let customer = created(&customers::CUSTOMER, body);
    let facets = customers::CUSTOMER.facets(&customer.document);
    let finds = |name: &str, text: &str| {
        let filter = customers::CUSTOMER.filters.iter().find(|filter| filter.name == name).unwrap();
        let wanted = customers::CUSTOMER.wanted(filter, text).unwrap();
        wanted.iter().all(|wanted| facets.iter().any(|facet| (&wanted.low..=&wanted.high).contains(&facet)))
    };
    for text in ["änne", "ÄNNE", "marie", "mail.ex", "anna@", "+49 30 12", "änne example", "Änne-Marie"] {
        assert!(finds("search", text), "{text}: {facets:?}");
    }
    for text in ["nne", "bnna", "änne bob", "+4931", "anna@mail.example2"] {
        assert!(!finds("search", text), "{text}");
    }
    assert!(finds("tags", "VIP x") && !finds("tags", "VIP") && !finds("tags", "VIP x,other"));
    assert!(finds("tier", "bronze") && !finds("tier", "gold"));
    let search = &customers::CUSTOMER.filters[0];
    for bad in ["", " ", "a b c d"] {
        assert!(customers::CUSTOMER.wanted(search, bad).is_err(), "{bad}");
    }
}
