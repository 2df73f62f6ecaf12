use std::sync::Arc;

use db::page::{Page, Scope};
use detection::{Asked, Wishes};
use kernel::{Fault, Result};
use proto::anonymizer::v1::recognizer_service_server::RecognizerService;
use proto::anonymizer::v1::{
    AddEntriesRequest, AddEntriesResponse, CreateRecognizerRequest, CreateRecognizerResponse,
    DeleteRecognizerRequest, DeleteRecognizerResponse, GetRecognizerRequest, GetRecognizerResponse,
    ListStoredRecognizersRequest, ListStoredRecognizersResponse,
    StoredRecognizer as WireRecognizer, TryRecognizerRequest, TryRecognizerResponse,
    UpdateRecognizerRequest, UpdateRecognizerResponse,
};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use super::wire::{self, LARGEST};
use crate::application::texts::{Search, Texts};
use registry::Recognizers;
use registry::{StoredRecognizer, recognizer_id, recognizer_name};

pub struct RecognizerApi {
    pub recognizers: Recognizers,
    pub texts: Texts,
}

/// Without document and entries.
fn stored(known: &StoredRecognizer) -> WireRecognizer {
    WireRecognizer {
        name: format!("recognizers/{}", known.id),
        revision: known.revision,
        etag: known.etag(),
        r#type: known.entity.clone(),
        always: known.always_on,
        entry_count: known.entry_count,
        author: format!("users/{}", known.author),
        create_time: Some(wire::time(known.created)),
        update_time: Some(wire::time(known.updated)),
        ..WireRecognizer::default()
    }
}

impl RecognizerApi {
    async fn create(
        &self,
        cx: Cx,
        request: CreateRecognizerRequest,
    ) -> Result<CreateRecognizerResponse> {
        let given = parse::required("recognizer", request.recognizer)?;
        let known = self.recognizers.create(&cx, given.document, given.entries).await?;
        Ok(CreateRecognizerResponse { recognizer: Some(stored(&known)) })
    }

    async fn get(&self, cx: Cx, request: GetRecognizerRequest) -> Result<GetRecognizerResponse> {
        let (id, revision) = recognizer_name("name", &request.name)?;
        let (known, document) = self.recognizers.get(&cx, &id, revision).await?;
        let recognizer = WireRecognizer { document, ..stored(&known) };
        Ok(GetRecognizerResponse { recognizer: Some(recognizer) })
    }

    async fn list(
        &self,
        cx: Cx,
        request: ListStoredRecognizersRequest,
    ) -> Result<ListStoredRecognizersResponse> {
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: "" };
        let page = Page::<String>::parse(&scope, request.page_size, &request.page_token)?;
        let rows = self.recognizers.list(&cx, page.after.as_deref(), page.limit()).await?;
        let (rows, next_page_token) = page.cut(&scope, rows, |known| known.id.clone())?;
        let recognizers = rows.iter().map(stored).collect();
        Ok(ListStoredRecognizersResponse { recognizers, next_page_token })
    }

    async fn update(
        &self,
        cx: Cx,
        request: UpdateRecognizerRequest,
    ) -> Result<UpdateRecognizerResponse> {
        let given = parse::required("recognizer", request.recognizer)?;
        let id = recognizer_id("recognizer.name", &given.name)?;
        let WireRecognizer { etag, document, entries, .. } = given;
        let known = self.recognizers.update(&cx, &id, &etag, document, entries).await?;
        Ok(UpdateRecognizerResponse { recognizer: Some(stored(&known)) })
    }

    async fn extend(&self, cx: Cx, request: AddEntriesRequest) -> Result<AddEntriesResponse> {
        let id = recognizer_id("name", &request.name)?;
        let known = self.recognizers.extend(&cx, &id, &request.etag, request.entries).await?;
        Ok(AddEntriesResponse { recognizer: Some(stored(&known)) })
    }

    async fn delete(
        &self,
        cx: Cx,
        request: DeleteRecognizerRequest,
    ) -> Result<DeleteRecognizerResponse> {
        let id = recognizer_id("name", &request.name)?;
        self.recognizers.delete(&cx, &id, &request.etag).await?;
        Ok(DeleteRecognizerResponse {})
    }

    async fn attempt(&self, request: TryRecognizerRequest) -> Result<TryRecognizerResponse> {
        parse::within("sample", request.sample.len(), 0, LARGEST, "bytes")?;
        let unit = wire::unit("offset_unit", request.offset_unit)?;
        let custom = self.recognizers.tried(request.document, request.entries).await?;
        let asked = Asked { custom: vec![Arc::new(custom)], only_custom: true, ..Asked::default() };
        let invalid = |wish: detection::InvalidWish| Fault::invalid("sample", wish.why);
        let wishes = Wishes::new(&self.texts.engine, &asked).map_err(invalid)?;
        wishes.affords(&request.sample).map_err(invalid)?;
        let search = Search::of_text(wishes, unit, false);
        let findings = self.texts.detect(request.sample, search).await?;
        let findings = findings.iter().map(wire::finding).collect::<Result<_>>()?;
        Ok(TryRecognizerResponse { findings })
    }
}

#[tonic::async_trait]
impl RecognizerService for RecognizerApi {
    async fn create_recognizer(
        &self,
        request: Request<CreateRecognizerRequest>,
    ) -> Result<Response<CreateRecognizerResponse>, Status> {
        rpc::unary(request, |cx, message| self.create(cx, message)).await
    }

    async fn get_recognizer(
        &self,
        request: Request<GetRecognizerRequest>,
    ) -> Result<Response<GetRecognizerResponse>, Status> {
        rpc::unary(request, |cx, message| self.get(cx, message)).await
    }

    async fn list_stored_recognizers(
        &self,
        request: Request<ListStoredRecognizersRequest>,
    ) -> Result<Response<ListStoredRecognizersResponse>, Status> {
        rpc::unary(request, |cx, message| self.list(cx, message)).await
    }

    async fn update_recognizer(
        &self,
        request: Request<UpdateRecognizerRequest>,
    ) -> Result<Response<UpdateRecognizerResponse>, Status> {
        rpc::unary(request, |cx, message| self.update(cx, message)).await
    }

    async fn add_entries(
        &self,
        request: Request<AddEntriesRequest>,
    ) -> Result<Response<AddEntriesResponse>, Status> {
        rpc::unary(request, |cx, message| self.extend(cx, message)).await
    }

    async fn delete_recognizer(
        &self,
        request: Request<DeleteRecognizerRequest>,
    ) -> Result<Response<DeleteRecognizerResponse>, Status> {
        rpc::unary(request, |cx, message| self.delete(cx, message)).await
    }

    async fn try_recognizer(
        &self,
        request: Request<TryRecognizerRequest>,
    ) -> Result<Response<TryRecognizerResponse>, Status> {
        rpc::unary(request, |_, message| self.attempt(message)).await
    }
}
