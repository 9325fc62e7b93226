//! The documents of the operations on records, made of each noun's table.

use utoipa::ToSchema as _;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, ParameterStyle, Paths,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::{Api, Arc, MethodRouter, Needs as _, Resource, has_long_pages, schemas};
use crate::api::page::{CONVERSATIONS_LIMIT_DEFAULT, Pagination, by_page, cursor};
use crate::domain::noun::{Action, FilterBy, Noun};
use crate::domain::permission::Permission;

const JSON: &str = "application/json";

type Routes = UtoipaMethodRouter<Arc<Api>>;

/// What is needed to document a noun.
pub(super) struct Documents {
    noun: &'static Noun,
    read: Permission,
    write: Permission,
}

/// `customer` as `Customer`.
fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// No noun begins with a vowel's sound.
fn one(noun: &Noun) -> String {
    format!("a {}", noun.name)
}

impl Documents {
    pub(super) fn of<R: Resource>() -> Self {
        Self { noun: R::NOUN, read: R::Read::PERMISSION, write: R::Write::PERMISSION }
    }

    fn name(&self) -> String {
        capital(self.noun.name)
    }

    fn operation(&self, id: String, summary: String, permission: Permission) -> OperationBuilder {
        OperationBuilder::new()
            .operation_id(Some(id))
            .summary(Some(summary))
            .tag(capital(self.noun.plural))
            .security(SecurityRequirement::new("apiKey", [permission.as_str()]))
    }

    /// `/api/v1/customers`
    pub(super) fn collection(&self, router: MethodRouter<Arc<Api>>) -> Routes {
        let noun = self.noun;
        let list = self
            .operation(format!("list{}", capital(noun.plural)), format!("List {}", noun.plural), self.read)
            .description(Some("All filters together."))
            .parameters(Some(self.list_parameters(None)))
            .response("200", self.page());
        let create = self
            .operation(format!("create{}", self.name()), format!("Create {}", one(noun)), self.write)
            .description(Some(self.told_on_creation()))
            .request_body(Some(body(&format!("New{}", self.name()), true)))
            .response("201", self.record("As it was made", true));
        let schemas = vec![
            (self.name(), schemas::shown(noun).into()),
            (format!("New{}", self.name()), schemas::new(noun).into()),
        ];
        let paths = paths(&format!("/api/v1/{}", noun.plural), [(HttpMethod::Get, list), (HttpMethod::Post, create)]);
        (schemas, paths, router)
    }

    /// `/api/v1/customers/{id}`
    pub(super) fn item(&self, router: MethodRouter<Arc<Api>>) -> Routes {
        let (noun, name) = (self.noun, self.name());
        let show = self
            .operation(format!("get{name}"), format!("Get {}", one(noun)), self.read)
            .parameter(id_of(noun))
            .response("200", self.record("The one of this id", false));
        let change = |verb: &str, how: &str| {
            self.operation(format!("{verb}{name}"), format!("Change {}{how}", one(noun)), self.write)
                .description(Some(self.told_on_change()))
                .parameter(id_of(noun))
                .request_body(Some(body(&format!("{name}Change"), true)))
                .response("200", self.record("As it is now", false))
        };
        let delete = self
            .operation(format!("delete{name}"), format!("Delete {}", one(noun)), self.write)
            .description(Some("Emits no event. What names it keeps its id."))
            .parameter(id_of(noun))
            .response("200", self.deleted());
        let operations = [
            (HttpMethod::Get, show),
            (HttpMethod::Put, change("replace", " with PUT")),
            (HttpMethod::Patch, change("update", "")),
            (HttpMethod::Delete, delete),
        ];
        let schemas = vec![(format!("{name}Change"), schemas::change(noun).into())];
        (schemas, paths(&format!("/api/v1/{}/{{id}}", noun.plural), operations), router)
    }

    /// `/api/v1/conversations/{id}/close`
    pub(super) fn action(&self, action: &Action, router: MethodRouter<Arc<Api>>) -> Routes {
        let Action { word, about, takes, needs: _, sets: _ } = action;
        let noun = self.noun;
        let (id, summary) = (format!("{word}{}", self.name()), format!("{} {}", capital(word), one(noun)));
        let description = format!("{about} In a state that does not allow it: 409.");
        let mut operation = self
            .operation(id.clone(), summary, self.write)
            .description(Some(description))
            .parameter(id_of(noun))
            .parameter_ref(Ref::new("#/components/parameters/IfMatch"))
            .response("200", self.record("As it is now", false))
            .response("412", Ref::from_response_name("PreconditionFailed"));
        let mut named = Vec::new();
        if let Some(schema) = schemas::action(takes.iter().map(|(field, _)| *field)) {
            let is_required = takes.iter().any(|(field, _)| field.is_required());
            operation = operation.request_body(Some(body(&capital(&id), is_required)));
            named.push((capital(&id), schema.into()));
        }
        let path = format!("/api/v1/{}/{{id}}/{word}", noun.plural);
        (named, paths(&path, [(HttpMethod::Post, operation)]), router)
    }

    /// `/api/v1/conversations/{id}/messages`
    pub(super) fn parts(&self, router: MethodRouter<Arc<Api>>) -> Routes {
        let noun = self.noun;
        let Some((field, whole)) = noun.parent_field() else { return (Vec::new(), Paths::new(), router) };
        let (whole_name, name) = (capital(whole.name), self.name());
        let list = self
            .operation(
                format!("list{whole_name}{}", capital(noun.plural)),
                format!("List the {} of {}", noun.plural, one(whole)),
                self.read,
            )
            .parameter(id_of(whole))
            .parameters(Some(self.list_parameters(Some(field))))
            .response("200", self.page());
        let body_name = format!("New{whole_name}{name}");
        let create = self
            .operation(
                format!("create{whole_name}{name}"),
                format!("Create {} in {}", one(noun), one(whole)),
                self.write,
            )
            .description(Some(self.told_on_creation()))
            .parameter(id_of(whole))
            .request_body(Some(body(&body_name, true)))
            .response("201", self.record("As it was made", true));
        let path = format!("/api/v1/{}/{{id}}/{}", whole.plural, noun.plural);
        let schemas = vec![(body_name, schemas::new_part(noun).into())];
        (schemas, paths(&path, [(HttpMethod::Get, list), (HttpMethod::Post, create)]), router)
    }

    fn list_parameters(&self, less: Option<&str>) -> Vec<Parameter> {
        let filters = self.noun.filters.iter().filter(|filter| Some(filter.name) != less).map(|filter| {
            let (schema, is_list) = schemas::filter(self.noun, filter);
            let about = match filter.by {
                FilterBy::Value => format!("Only with this `{}`", filter.name),
                FilterBy::Entries => format!("Only with each of these `{}`", filter.name),
                FilterBy::Words(fields) => {
                    let names: Vec<_> = fields.iter().filter_map(|path| path.last().copied()).collect();
                    format!("Only where each word begins a word of `{}`", names.join("`, `"))
                }
            };
            let parameter = ParameterBuilder::new()
                .name(filter.name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(about))
                .schema(Some(schema));
            // With commas between the entries.
            let parameter =
                if is_list { parameter.style(Some(ParameterStyle::Form)).explode(Some(false)) } else { parameter };
            parameter.build()
        });
        let limit_default = has_long_pages(self.noun).then_some(CONVERSATIONS_LIMIT_DEFAULT);
        by_page(limit_default).into_iter().chain([cursor()]).chain(filters).collect()
    }

    fn told_on_creation(&self) -> String {
        let mut events: Vec<_> = self.noun.created.iter().map(|(_, event)| format!("`{event}`")).collect();
        events.dedup();
        format!("Emits {}, in the same transaction.", events.join(" or "))
    }

    fn told_on_change(&self) -> String {
        let what = "What is not mentioned stays, null resets.";
        let events: Vec<_> = self.noun.events_of_changes().map(|event| format!("`{event}`")).collect();
        match events.as_slice() {
            [] => format!("{what} Emits no event."),
            events => format!("{what} Emits {}, in the same transaction.", events.join(" or ")),
        }
    }

    fn record(&self, about: &str, is_new: bool) -> Response {
        let header = |about: &str| {
            let schema = ObjectBuilder::new().schema_type(Type::String);
            HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
        };
        let response = answer(about, Ref::from_schema_name(self.name())).header("ETag", header("Its version"));
        let location = "Where it is";
        if is_new { response.header("Location", header(location)).build() } else { response.build() }
    }

    fn page(&self) -> Response {
        let rows = ArrayBuilder::new().items(Ref::from_schema_name(self.name()));
        let pagination = Ref::from_schema_name(Pagination::name());
        let schema = success(rows).property("pagination", pagination).required("pagination");
        let about = format!("A page of {}, newest first", self.noun.plural);
        ResponseBuilder::new()
            .description(about)
            .content(JSON, ContentBuilder::new().schema(Some(schema)).build())
            .build()
    }

    fn deleted(&self) -> Response {
        let message = ObjectBuilder::new().schema_type(Type::String);
        let message = message.examples([format!("The {} was deleted", self.noun.name)]);
        let data = ObjectBuilder::new().property("id", schemas::id(self.noun)).required("id");
        let schema = success(data).property("message", message).required("message");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        ResponseBuilder::new().description("It is gone").content(JSON, content).build()
    }
}

fn success(data: impl Into<RefOr<Schema>>) -> ObjectBuilder {
    let yes = ObjectBuilder::new().schema_type(Type::Boolean).examples([true]);
    ObjectBuilder::new().property("success", yes).required("success").property("data", data).required("data")
}

fn answer(about: &str, data: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(success(data))).build();
    ResponseBuilder::new().description(about).content(JSON, content)
}

fn body(name: &str, is_required: bool) -> utoipa::openapi::request_body::RequestBody {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
    let required = if is_required { Required::True } else { Required::False };
    RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build()
}

fn id_of(noun: &Noun) -> Parameter {
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(format!("The {}'s id", noun.name)))
        .schema(Some(schemas::id(noun)))
        .build()
}

fn paths<const N: usize>(path: &str, operations: [(HttpMethod, OperationBuilder); N]) -> Paths {
    let mut paths = Paths::new();
    for (method, operation) in operations {
        let operation: Operation = operation.build();
        paths.add_path_operation(path, vec![method], operation);
    }
    paths
}
