//! Tickets over RabbitMQ.

mod counters;
mod receipt;

pub use counters::{Counter, RabbitCounters};
pub use receipt::MessageReceipt;
