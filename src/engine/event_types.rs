//! A tenant's own event types: create, read, change, delete; and judging what is published by their schemas.
//!
//! Reading asks this process's copy, after a look at whether it is the newest. Judging does not look: a schema counts
//! in each process from the moment that it has heard of it, which is a second at most.

use std::sync::Arc;

use serde_json::Value;

use super::Engine;
use super::audit::{Action, made, of_type};
use crate::domain::audit::changes;
use crate::domain::catalogue::{OwnType, SchemaMode, TypeSettings, built_in_named};
use crate::domain::event::EventType;
use crate::domain::field::FieldProblem;
use crate::domain::tenant::Scope;
use crate::store::StoreError;

/// The most types that a tenant may have of its own, in each environment.
pub const OWN_TYPES_MAX: usize = 200;

/// Why a type was not changed.
#[derive(Debug, thiserror::Error)]
pub enum TypeError {
    /// Nobody can change it.
    #[error("the type is built in")]
    BuiltIn,
    /// There is one of that name.
    #[error("there is a type of that name")]
    Exists,
    /// There is none of that name in this scope.
    #[error("there is no such type")]
    NotFound,
    /// It has changed since the caller read it.
    #[error("the type has changed since it was read")]
    Changed,
    /// The scope has as many as it may.
    #[error("there are as many types as there may be: {OWN_TYPES_MAX}")]
    TooMany,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a schema has to say of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It fits, or nobody asks whether it does.
    Fits,
    /// It does not, and is accepted all the same.
    Warned(Vec<FieldProblem>),
    /// It does not, and is refused.
    Refused(Vec<FieldProblem>),
}

impl Engine {
    /// The own types of a scope, by name.
    pub async fn event_types(&self, scope: Scope) -> Result<Vec<Arc<OwnType>>, StoreError> {
        Ok(self.refresh_directory().await?.event_types(scope).cloned().collect())
    }

    /// One of them.
    pub async fn event_type(&self, scope: Scope, name: &EventType) -> Result<Arc<OwnType>, TypeError> {
        let snapshot = self.refresh_directory().await?;
        snapshot.event_type(scope, name).cloned().ok_or(TypeError::NotFound)
    }

    /// Adds a type.
    pub async fn create_event_type(
        &self,
        scope: Scope,
        name: EventType,
        settings: TypeSettings,
    ) -> Result<Arc<OwnType>, TypeError> {
        if built_in_named(name.as_str()).is_some() {
            return Err(TypeError::BuiltIn);
        }
        if self.refresh_directory().await?.event_types(scope).count() >= OWN_TYPES_MAX {
            return Err(TypeError::TooMany);
        }
        let now = self.clock.now();
        let own = OwnType {
            scope,
            name,
            judge: None,
            settings,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        };
        let line = self.line(scope, Action::EventTypeCreate, own.name.as_str(), made(&of_type(&own)));
        if !self.store.insert_event_type(&own, line.as_ref()).await? {
            return Err(TypeError::Exists);
        }
        self.event_type(scope, &own.name).await
    }

    /// Replaces what a person may set, if the type is still that of `revision`.
    pub async fn update_event_type(
        &self,
        scope: Scope,
        name: &EventType,
        settings: TypeSettings,
        revision: i64,
    ) -> Result<Arc<OwnType>, TypeError> {
        let current = self.own_type_to_change(scope, name).await?;
        let own = OwnType { settings, revision, ..changed(&current, self) };
        self.write_event_type(&own, Action::EventTypeUpdate, &current).await?;
        self.event_type(scope, name).await
    }

    /// Deletes a type, if it is still that of `revision`. Events of that name may be published as before.
    pub async fn delete_event_type(&self, scope: Scope, name: &EventType, revision: i64) -> Result<(), TypeError> {
        let current = self.own_type_to_change(scope, name).await?;
        let deleted_at = Some(self.clock.now());
        let settings = TypeSettings::default();
        let own = OwnType { settings, deleted_at, revision, ..changed(&current, self) };
        self.write_event_type(&own, Action::EventTypeDelete, &current).await?;
        self.refresh_directory().await?;
        Ok(())
    }

    /// One that may be changed.
    pub async fn own_type_to_change(&self, scope: Scope, name: &EventType) -> Result<Arc<OwnType>, TypeError> {
        if built_in_named(name.as_str()).is_some() {
            return Err(TypeError::BuiltIn);
        }
        self.event_type(scope, name).await
    }

    async fn write_event_type(&self, own: &OwnType, action: Action, before: &OwnType) -> Result<(), TypeError> {
        let told = changes(&of_type(before), &of_type(own));
        let line = self.line(own.scope, action, own.name.as_str(), told);
        if self.store.update_event_type(own, line.as_ref()).await? { Ok(()) } else { Err(TypeError::Changed) }
    }

    /// What the schema of an event's type says of its data. `data` gives it as a tree.
    pub(super) fn judge<'a>(
        &self,
        scope: Scope,
        event_type: &EventType,
        data: impl FnOnce() -> Option<&'a Value>,
    ) -> Judgement {
        let snapshot = self.directory.current();
        let Some(own) = snapshot.event_type(scope, event_type) else { return Judgement::Fits };
        let (Some(schema), Some(data)) = (&own.judge, data()) else { return Judgement::Fits };
        let misfits = schema.misfits(data);
        if misfits.is_empty() {
            return Judgement::Fits;
        }
        match own.settings.mode {
            SchemaMode::Off => Judgement::Fits,
            SchemaMode::Warn => Judgement::Warned(misfits),
            SchemaMode::Reject => Judgement::Refused(misfits),
        }
    }
}

fn changed(current: &OwnType, engine: &Engine) -> OwnType {
    OwnType {
        scope: current.scope,
        name: current.name.clone(),
        settings: current.settings.clone(),
        judge: None,
        created_at: current.created_at,
        updated_at: engine.clock.now(),
        deleted_at: None,
        revision: current.revision,
    }
}
