use std::sync::Arc;

use db::page::{Page, Scope};
use kernel::{Fault, PromptId, Result};
use prost::Message as _;
use proto::storage::v1::prompt_service_server::PromptService;
use proto::storage::v1::{
    CreatePromptRequest, CreatePromptResponse, DeletePromptRequest, DeletePromptResponse,
    GetPromptRequest, GetPromptResponse, ListPromptRevisionsRequest, ListPromptRevisionsResponse,
    ListPromptsRequest, ListPromptsResponse, SealPromptRequest, SealPromptResponse,
    UpdatePromptRequest, UpdatePromptResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::messages;
use crate::application::create::Create;
use crate::application::delete::Delete;
use crate::application::once::Once;
use crate::application::ports::{Prompts, SealFor};
use crate::application::read::Read;
use crate::application::seal::Seal;
use crate::application::update::{Change, Update};
use crate::domain::{Facts, Text};

pub struct PromptApi {
    pub prompts: Arc<dyn Prompts>,
    pub create: Create,
    pub read: Read,
    pub update: Update,
    pub delete: Delete,
    pub seal: Seal,
}

fn name(value: &str) -> Result<PromptId> {
    parse::resource("name", "prompts", value)
}

/// The form of a key's name; which keys there are, the envelope service knows.
fn key(field: &str, value: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match value.strip_prefix("keys/") {
        Some(id) if (3..=63).contains(&id.len()) && id.bytes().all(legal) => Ok(()),
        _ => Err(Fault::invalid(field, "must be keys/{id}")),
    }
}

impl PromptApi {
    async fn create(
        &self,
        cx: Cx,
        mut request: CreatePromptRequest,
    ) -> Result<CreatePromptResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = Once::new(&cx, &request_id, &Zeroizing::new(request.encode_to_vec()))?;
        let given = parse::required("prompt", request.prompt)?;
        let text = Text::check("prompt.text", given.text)?;
        let facts = Facts::check("prompt", given.display_name, &given.labels)?;
        let prompt = self.create.run(&cx, facts, &text, once).await?;
        Ok(CreatePromptResponse { prompt: Some(messages::prompt(&prompt, None)) })
    }

    async fn get(&self, cx: Cx, request: GetPromptRequest) -> Result<GetPromptResponse> {
        let (id, number) = (name(&request.name)?, messages::number(request.revision)?);
        let (prompt, text) = self.read.run(&cx, id, number, "get").await?;
        Ok(GetPromptResponse { prompt: Some(messages::prompt(&prompt, Some(&text))) })
    }

    async fn list(&self, cx: Cx, request: ListPromptsRequest) -> Result<ListPromptsResponse> {
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: "" };
        let page = Page::<PromptId>::parse(&scope, request.page_size, &request.page_token)?;
        let rows = self.prompts.list(cx.tenant(), page.after, page.limit()).await?;
        let (rows, next_page_token) = page.cut(&scope, rows, |row| row.id)?;
        let prompts = rows.iter().map(|prompt| messages::prompt(prompt, None)).collect();
        Ok(ListPromptsResponse { prompts, next_page_token })
    }

    async fn update(
        &self,
        cx: Cx,
        mut request: UpdatePromptRequest,
    ) -> Result<UpdatePromptResponse> {
        let request_id = std::mem::take(&mut request.request_id);
        let once = Once::new(&cx, &request_id, &Zeroizing::new(request.encode_to_vec()))?;
        let given = parse::required("prompt", request.prompt)?;
        let text = Text::check("prompt.text", given.text)?;
        let change = Change {
            id: parse::resource("prompt.name", "prompts", &given.name)?,
            etag: given.etag,
            facts: Facts::check("prompt", given.display_name, &given.labels)?,
            text,
        };
        let prompt = self.update.run(&cx, &change, once).await?;
        Ok(UpdatePromptResponse { prompt: Some(messages::prompt(&prompt, None)) })
    }

    async fn delete(&self, cx: Cx, request: DeletePromptRequest) -> Result<DeletePromptResponse> {
        let id = name(&request.name)?;
        let data_keys_destroyed = self.delete.run(&cx, id, &request.etag).await?;
        Ok(DeletePromptResponse { data_keys_destroyed })
    }

    async fn revisions(
        &self,
        cx: Cx,
        request: ListPromptRevisionsRequest,
    ) -> Result<ListPromptRevisionsResponse> {
        let id = name(&request.name)?;
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &request.name };
        let page = Page::<i32>::parse(&scope, request.page_size, &request.page_token)?;
        self.prompts.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)?;
        let rows = self.prompts.list_revisions(cx.tenant(), id, page.after, page.limit()).await?;
        let (rows, next_page_token) = page.cut(&scope, rows, |row| row.number)?;
        let revisions = rows.iter().map(messages::revision).collect();
        Ok(ListPromptRevisionsResponse { revisions, next_page_token })
    }

    async fn seal(&self, cx: Cx, request: SealPromptRequest) -> Result<SealPromptResponse> {
        let (id, number) = (name(&request.name)?, messages::number(request.revision)?);
        // Checked before the text is read: a refusal must not look like a release.
        parse::within("recipients", request.recipients.len(), 1, 64, "keys")?;
        for (index, recipient) in request.recipients.iter().enumerate() {
            key(&format!("recipients[{index}]"), recipient)?;
        }
        key("signing_key", &request.signing_key)?;
        if !["respond", "message", "store"].contains(&request.purpose.as_str()) {
            return Err(Fault::invalid("purpose", "must be respond, message or store"));
        }
        let target = SealFor {
            recipients: request.recipients,
            signing_key: request.signing_key,
            purpose: request.purpose,
            ttl: request.ttl,
        };
        let envelope = self.seal.run(&cx, id, number, target).await?;
        Ok(SealPromptResponse { envelope: Some(envelope) })
    }
}

#[tonic::async_trait]
impl PromptService for PromptApi {
    async fn create_prompt(
        &self,
        request: Request<CreatePromptRequest>,
    ) -> Result<Response<CreatePromptResponse>, Status> {
        rpc::unary(request, |cx, message| self.create(cx, message)).await
    }

    async fn get_prompt(
        &self,
        request: Request<GetPromptRequest>,
    ) -> Result<Response<GetPromptResponse>, Status> {
        rpc::unary(request, |cx, message| self.get(cx, message)).await
    }

    async fn list_prompts(
        &self,
        request: Request<ListPromptsRequest>,
    ) -> Result<Response<ListPromptsResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }

    async fn update_prompt(
        &self,
        request: Request<UpdatePromptRequest>,
    ) -> Result<Response<UpdatePromptResponse>, Status> {
        rpc::unary(request, |cx, message| self.update(cx, message)).await
    }

    async fn delete_prompt(
        &self,
        request: Request<DeletePromptRequest>,
    ) -> Result<Response<DeletePromptResponse>, Status> {
        rpc::unary(request, |cx, message| self.delete(cx, message)).await
    }

    async fn list_prompt_revisions(
        &self,
        request: Request<ListPromptRevisionsRequest>,
    ) -> Result<Response<ListPromptRevisionsResponse>, Status> {
        rpc::unary(request, |cx, message| self.revisions(cx, message)).await
    }

    async fn seal_prompt(
        &self,
        request: Request<SealPromptRequest>,
    ) -> Result<Response<SealPromptResponse>, Status> {
        rpc::unary(request, |cx, message| self.seal(cx, message)).await
    }
}
