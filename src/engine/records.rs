//! The changes of records: create, change, delete. Each is one transaction with the event that tells of it.
//!
//! Reading, deciding and writing are three steps; the write names the version that was read. When another came between
//! nothing is written, no event is left, and the steps are taken anew.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::Engine;
use super::accept::{AcceptError, Publish, Target};
use crate::chance;
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::RecordId;
use crate::domain::noun::life::News;
use crate::domain::noun::record::Record;
use crate::domain::noun::{Document, Noun};
use crate::domain::tenant::Scope;
use crate::store::StoreError;
use crate::store::dialect::records::{FIRST_VERSION, RecordStep, RecordWrite};

/// How often a write is tried again because another came between.
const WRITE_TRIES: usize = 5;

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is none of that id in this scope.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It is not the version that the caller asked for.
    #[error("the {0} has another version")]
    OtherVersion(&'static str),
    /// Others kept changing it.
    #[error("others keep changing the {0}")]
    Changed(&'static str),
    /// Its state does not allow it; a sentence.
    #[error("{0}")]
    State(String),
    /// Fields are wrong.
    #[error("{} field(s) are wrong", .0.len())]
    Fields(Vec<FieldProblem>),
    /// The event that tells of it was not accepted, and so nothing was written.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// A record.
    pub async fn record(&self, scope: Scope, noun: &'static Noun, id: RecordId) -> Result<Record, RecordError> {
        self.store.record(scope, noun, id).await?.ok_or(RecordError::NotFound(noun.name))
    }

    /// Makes a record of what a client gave.
    pub async fn create_record(
        &self,
        scope: Scope,
        noun: &'static Noun,
        body: Map<String, Value>,
    ) -> Result<Record, RecordError> {
        let mut document = noun.create(body).map_err(RecordError::Fields)?;
        for _ in 0..WRITE_TRIES {
            self.check_references(scope, noun, None, &document).await?;
            let now = self.clock.now();
            let news = noun.born(&mut document, now);
            let id = RecordId::new(noun.prefix, now, chance::id_tail());
            let record = Record {
                noun,
                id,
                scope,
                document: document.clone(),
                version: FIRST_VERSION,
                created_at: now,
                updated_at: now,
            };
            if self.write(&record, RecordStep::Insert, news).await? {
                return Ok(record);
            }
        }
        Err(RecordError::Changed(noun.name))
    }

    /// Changes a record to what `edit` makes of it. `edit` runs anew when another change came between.
    pub async fn change_record(
        &self,
        scope: Scope,
        noun: &'static Noun,
        id: RecordId,
        edit: impl Fn(&Record) -> Result<Document, RecordError>,
    ) -> Result<Record, RecordError> {
        for _ in 0..WRITE_TRIES {
            let current = self.record(scope, noun, id).await?;
            let mut document = edit(&current)?;
            self.check_references(scope, noun, Some(&current.document), &document).await?;
            let now = self.clock.now();
            let news = noun.changed(&current.document, &mut document, now).map_err(RecordError::Fields)?;
            if news == News::None {
                return Ok(current);
            }
            let step = RecordStep::Replace(current.version);
            let record = Record { document, version: current.version + 1, updated_at: now, ..current };
            if self.write(&record, step, news).await? {
                return Ok(record);
            }
        }
        Err(RecordError::Changed(noun.name))
    }

    /// Deletes a record, with its parts, if `allow` lets it. Records that name it keep its id.
    pub async fn delete_record(
        &self,
        scope: Scope,
        noun: &'static Noun,
        id: RecordId,
        allow: impl Fn(&Record) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for _ in 0..WRITE_TRIES {
            let record = self.record(scope, noun, id).await?;
            allow(&record)?;
            if self.write(&record, RecordStep::Delete(record.version), News::Silent).await? {
                return Ok(());
            }
        }
        Err(RecordError::Changed(noun.name))
    }

    async fn check_references(
        &self,
        scope: Scope,
        noun: &Noun,
        before: Option<&Document>,
        after: &Document,
    ) -> Result<(), RecordError> {
        let mut problems = Vec::new();
        for (field, named, id) in noun.new_references(before, after) {
            if !self.store.has_record(scope, named, id).await? {
                let message = format!("names no {} of yours", named.name);
                problems.push(FieldProblem::new(field, FieldCode::NotFound, message));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(RecordError::Fields(problems)) }
    }

    /// Writes a record and the event that tells of it, both or neither. False when the record was refused.
    async fn write(&self, record: &Record, step: RecordStep, news: News) -> Result<bool, RecordError> {
        let write = RecordWrite::new(record, step);
        let event_type = match news {
            News::None | News::Silent => return Ok(self.store.write_record(&write).await?),
            // A test parses every name in the nouns' tables.
            News::Event(name) => EventType::parse(name).expect("a valid name"),
        };
        let data = serde_json::to_vec(record).expect("a record is text, numbers, lists and maps");
        let publish = Publish { record: Some(write), ..Publish::new(event_type, Bytes::from(data)) };
        match self.accept(record.scope, publish, Target::Subscribers).await {
            Ok(_) => Ok(true),
            Err(AcceptError::RecordRefused) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
