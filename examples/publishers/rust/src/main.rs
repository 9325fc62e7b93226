//! Publishes an event to Angarium over RabbitMQ, and is sure that it arrived there.
//!
//! ```sh
//! AMQP_URL=amqp://… cargo run -- --tenant acme --type order.created --id order-42-created --data '{"id": 42}'
//! ```
//!
//! Ends with 0 when RabbitMQ has the message on disk, and with 1, saying why, when it has not: then publish it again
//! with the same `--id`, which is what keeps it from becoming two events.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);
const PERSISTENT: u8 = 2;

/// An event on its way to Angarium.
struct Event {
    /// The tenant's name or id.
    tenant: String,
    event_type: String,
    /// A JSON object.
    data: Vec<u8>,
    /// The idempotency key: the same when the same event is published again.
    message_id: String,
    /// `production` or `staging`.
    environment: String,
}

/// What RabbitMQ said of a message.
enum Published {
    /// It has it.
    Confirmed,
    /// No queue takes it, so it came back.
    Returned,
    /// It could not keep it.
    Refused,
}

/// Publishes one event. The channel must be in confirm mode, and used for one message at a time: the client library may
/// attach a returned message to another one's confirm.
async fn publish(channel: &Channel, exchange: &str, event: &Event) -> lapin::Result<Published> {
    let Event { tenant, event_type, data, message_id, environment } = event;
    let mut headers = FieldTable::default();
    headers.insert("x-angarium-environment".into(), AMQPValue::LongString(environment.as_str().into()));
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(message_id.as_str().into())
        .with_headers(headers);
    // Without a queue behind the exchange the message comes back, instead of being dropped.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let routing_key = format!("{tenant}.{event_type}");
    let confirm = channel.basic_publish(exchange.into(), routing_key.into(), options, data, properties).await?.await?;
    Ok(match confirm {
        Confirmation::Ack(None) => Published::Confirmed,
        Confirmation::Ack(Some(_)) => Published::Returned,
        Confirmation::Nack(_) | Confirmation::NotRequested => Published::Refused,
    })
}

async fn connect_and_publish(url: &str, exchange: &str, event: &Event) -> lapin::Result<Published> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let published = publish(&channel, exchange, event).await?;
    connection.close(200, "done".into()).await?;
    Ok(published)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut given = arguments()?;
    let mut take = |name: &str| given.remove(name);
    let exchange = take("exchange").unwrap_or_else(|| "angarium.events".to_owned());
    let event = Event {
        tenant: take("tenant").ok_or("--tenant is missing")?,
        event_type: take("type").ok_or("--type is missing")?,
        data: take("data").ok_or("--data is missing")?.into_bytes(),
        // Made before the first try: a second try must have the same.
        message_id: take("id").unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        environment: take("environment").unwrap_or_else(|| "production".to_owned()),
    };
    if let Some(name) = given.keys().next() {
        return Err(format!("there is no --{name}").into());
    }
    let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    let id = &event.message_id;
    let failure = match tokio::time::timeout(CONFIRM_TIMEOUT, connect_and_publish(&url, &exchange, &event)).await {
        Ok(Ok(Published::Confirmed)) => {
            println!("published {} as {id}", event.event_type);
            return Ok(ExitCode::SUCCESS);
        }
        Ok(Ok(Published::Returned)) => "no queue takes it: has Angarium ever been started on this RabbitMQ?".to_owned(),
        Ok(Ok(Published::Refused)) => format!("RabbitMQ did not keep it: publish it again with --id {id}"),
        Ok(Err(error)) => {
            format!("it is not known whether RabbitMQ has it ({error}): publish it again with --id {id}")
        }
        Err(_) => format!("RabbitMQ was silent: publish it again with --id {id}"),
    };
    eprintln!("{failure}");
    Ok(ExitCode::FAILURE)
}

/// `--name value …`
fn arguments() -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut found = BTreeMap::new();
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let name = name.strip_prefix("--").ok_or_else(|| format!("{name} is not an option"))?;
        let value = given.next().ok_or_else(|| format!("--{name} takes a value"))?;
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}
