use std::sync::Arc;

use db::page::{Page, Scope};
use documents::Format;
use kernel::{Fault, Result};
use pii::Engine;
use proto::anonymizer::v1::policy_service_server::PolicyService;
use proto::anonymizer::v1::{
    ComparePoliciesRequest, ComparePoliciesResponse, CreatePolicyRequest, CreatePolicyResponse,
    DeletePolicyRequest, DeletePolicyResponse, GetPolicyRequest, GetPolicyResponse,
    ListPoliciesRequest, ListPoliciesResponse, ListPolicyRevisionsRequest,
    ListPolicyRevisionsResponse, Policy, PolicyRevision, TypeComparison, UpdatePolicyRequest,
    UpdatePolicyResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use super::rules;
use super::wire::{self, LARGEST};
use crate::application::texts::{Texts, Told};
use registry::Recognizers;
use registry::policies::{Found, Policies, Ready};
use registry::{PolicyName, StoredPolicy};

pub struct PolicyApi {
    pub policies: Policies,
    pub texts: Texts,
    pub recognizers: Recognizers,
    pub engine: Arc<Engine>,
}

/// Without its document.
fn stored(policy: &StoredPolicy) -> Policy {
    Policy {
        name: format!("policies/{}", policy.id),
        document: String::new(),
        description: policy.description.clone(),
        revision: policy.revision,
        etag: policy.etag(),
        ready: false,
        reversible: policy.reversible,
        author: format!("users/{}", policy.author),
        create_time: Some(wire::time(policy.created)),
        update_time: Some(wire::time(policy.updated)),
    }
}

/// Without its document.
fn ready(ready: &Ready) -> Policy {
    let policy = &ready.policy;
    Policy {
        name: format!("policies/{}", policy.name()),
        description: policy.description().to_owned(),
        revision: i32::try_from(policy.version()).unwrap_or(i32::MAX),
        etag: format!("r{}", policy.version()),
        ready: true,
        reversible: policy.is_reversible(),
        ..Policy::default()
    }
}

fn found(sample: &[Told], places: &[usize]) -> Result<Vec<proto::anonymizer::v1::Finding>> {
    places.iter().filter_map(|place| sample.get(*place)).map(wire::finding).collect()
}

impl PolicyApi {
    async fn create(&self, cx: Cx, request: CreatePolicyRequest) -> Result<CreatePolicyResponse> {
        let given = parse::required("policy", request.policy)?;
        let policy = self.policies.create(&cx, given.document).await?;
        Ok(CreatePolicyResponse { policy: Some(stored(&policy)) })
    }

    async fn get(&self, cx: Cx, request: GetPolicyRequest) -> Result<GetPolicyResponse> {
        let name = PolicyName::parse("name", &request.name)?;
        let policy = match self.policies.get(&cx, &name).await? {
            Found::Ready(known) => Policy { document: known.document.to_owned(), ..ready(&known) },
            Found::Stored(known) => Policy { document: known.document.clone(), ..stored(&known) },
        };
        Ok(GetPolicyResponse { policy: Some(policy) })
    }

    /// The cursor: whether it is a tenant's own, and its id.
    async fn list(&self, cx: Cx, request: ListPoliciesRequest) -> Result<ListPoliciesResponse> {
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: "" };
        let page = Page::<(bool, String)>::parse(&scope, request.page_size, &request.page_token)?;
        let limit = usize::try_from(page.limit()).map_err(Fault::internal)?;
        let after = |own: bool| {
            let cursor = page.after.as_ref();
            cursor.filter(|(of_own, _)| *of_own == own).map(|(_, id)| id.as_str())
        };
        let mut rows: Vec<((bool, String), Policy)> = Vec::new();
        if after(true).is_none() {
            let first = after(false);
            let comes = |known: &&Ready| first.is_none_or(|first| known.policy.name() > first);
            let known = self.policies.ready().filter(comes).take(limit);
            rows.extend(known.map(|known| ((false, known.policy.name().to_owned()), ready(known))));
        }
        let more = page.limit() - i64::try_from(rows.len()).map_err(Fault::internal)?;
        if more > 0 {
            let own = self.policies.list(&cx, after(true), more).await?;
            rows.extend(own.iter().map(|own| ((true, own.id.clone()), stored(own))));
        }
        let (rows, next_page_token) = page.cut(&scope, rows, |(cursor, _)| cursor.clone())?;
        let policies = rows.into_iter().map(|(_, policy)| policy).collect();
        Ok(ListPoliciesResponse { policies, next_page_token })
    }

    async fn update(&self, cx: Cx, request: UpdatePolicyRequest) -> Result<UpdatePolicyResponse> {
        let given = parse::required("policy", request.policy)?;
        let id = PolicyName::unpinned("policy.name", &given.name)?;
        let policy = self.policies.update(&cx, &id, &given.etag, given.document).await?;
        Ok(UpdatePolicyResponse { policy: Some(stored(&policy)) })
    }

    async fn delete(&self, cx: Cx, request: DeletePolicyRequest) -> Result<DeletePolicyResponse> {
        let id = PolicyName::unpinned("name", &request.name)?;
        self.policies.delete(&cx, &id, &request.etag).await?;
        Ok(DeletePolicyResponse {})
    }

    async fn revisions(
        &self,
        cx: Cx,
        request: ListPolicyRevisionsRequest,
    ) -> Result<ListPolicyRevisionsResponse> {
        let id = PolicyName::unpinned("name", &request.name)?;
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &request.name };
        let page = Page::<i32>::parse(&scope, request.page_size, &request.page_token)?;
        let name = PolicyName { id, revision: None };
        if let Found::Ready(known) = self.policies.get(&cx, &name).await? {
            let Policy { revision, description, .. } = ready(&known);
            let only = PolicyRevision { revision, description, ..PolicyRevision::default() };
            let revisions = if page.after.is_none() { vec![only] } else { Vec::new() };
            return Ok(ListPolicyRevisionsResponse { revisions, ..Default::default() });
        }
        let rows = self.policies.revisions(&cx, &name.id, page.after, page.limit()).await?;
        let (rows, next_page_token) = page.cut(&scope, rows, |row| row.revision)?;
        let revisions = rows.iter().map(|row| PolicyRevision {
            revision: row.revision,
            create_time: Some(wire::time(row.updated)),
            author: format!("users/{}", row.author),
            description: row.description.clone(),
        });
        Ok(ListPolicyRevisionsResponse { revisions: revisions.collect(), next_page_token })
    }

    async fn compare(
        &self,
        cx: Cx,
        request: ComparePoliciesRequest,
    ) -> Result<ComparePoliciesResponse> {
        parse::within("sample", request.sample.len(), 0, LARGEST, "bytes")?;
        let names = wire::names(request.options.as_ref());
        let custom = self.recognizers.wanted(&cx, names).await?;
        let of = (Format::Text, custom);
        let search = wire::search(&self.engine, request.options, request.sample.len(), of)?;
        let (before, _) = self.policies.named(&cx, "before", &request.before).await?;
        let after = match (request.after.is_empty(), request.document.is_empty()) {
            (false, true) => self.policies.named(&cx, "after", &request.after).await?.0,
            (true, false) => Arc::new(self.policies.read("document", &request.document)?),
            _ => return Err(Fault::invalid("after", "give this or document")),
        };
        let done = self.texts.compare(before, after, request.sample, search).await?;
        let types = done.comparison.by_type.iter().map(|(entity, change)| TypeComparison {
            r#type: entity.as_str().to_owned(),
            before: rules::named(change.before).into(),
            after: rules::named(change.after).into(),
            newly_covered: wire::count(change.newly_covered),
            newly_uncovered: wire::count(change.newly_uncovered),
            otherwise_changed: wire::count(change.otherwise_changed),
            same: wire::count(change.same),
        });
        Ok(ComparePoliciesResponse {
            types: types.collect(),
            newly_covered: found(&done.findings, &done.comparison.newly_covered)?,
            newly_uncovered: found(&done.findings, &done.comparison.newly_uncovered)?,
        })
    }
}

#[tonic::async_trait]
impl PolicyService for PolicyApi {
    async fn create_policy(
        &self,
        request: Request<CreatePolicyRequest>,
    ) -> Result<Response<CreatePolicyResponse>, Status> {
        rpc::unary(request, |cx, message| self.create(cx, message)).await
    }

    async fn get_policy(
        &self,
        request: Request<GetPolicyRequest>,
    ) -> Result<Response<GetPolicyResponse>, Status> {
        rpc::unary(request, |cx, message| self.get(cx, message)).await
    }

    async fn list_policies(
        &self,
        request: Request<ListPoliciesRequest>,
    ) -> Result<Response<ListPoliciesResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }

    async fn update_policy(
        &self,
        request: Request<UpdatePolicyRequest>,
    ) -> Result<Response<UpdatePolicyResponse>, Status> {
        rpc::unary(request, |cx, message| self.update(cx, message)).await
    }

    async fn delete_policy(
        &self,
        request: Request<DeletePolicyRequest>,
    ) -> Result<Response<DeletePolicyResponse>, Status> {
        rpc::unary(request, |cx, message| self.delete(cx, message)).await
    }

    async fn list_policy_revisions(
        &self,
        request: Request<ListPolicyRevisionsRequest>,
    ) -> Result<Response<ListPolicyRevisionsResponse>, Status> {
        rpc::unary(request, |cx, message| self.revisions(cx, message)).await
    }

    async fn compare_policies(
        &self,
        request: Request<ComparePoliciesRequest>,
    ) -> Result<Response<ComparePoliciesResponse>, Status> {
        rpc::unary(request, |cx, message| self.compare(cx, message)).await
    }
}
