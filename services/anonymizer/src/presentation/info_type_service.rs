use std::sync::{Arc, OnceLock};

use db::page::{Page, Scope};
use kernel::{Fault, Result};
use pii::{Category, Engine, EntityInfo};
use proto::anonymizer::v1::info_type_service_server::InfoTypeService;
use proto::anonymizer::v1::{
    InfoType, ListInfoTypesRequest, ListInfoTypesResponse, Regulation, RegulationTerm,
};
use rpc::Cx;
use tonic::{Request, Response, Status};
use transform::Fitting;

use super::rules;

pub struct InfoTypeApi {
    engine: Arc<Engine>,
    /// Made when somebody asks first.
    all: OnceLock<Vec<InfoType>>,
}

/// What regulations call a category.
fn terms(category: &Category) -> Vec<RegulationTerm> {
    let pci = category.pci.then(|| "cardholder data".to_owned());
    let terms = [
        (Regulation::Hipaa, category.hipaa.clone()),
        (Regulation::Gdpr, category.gdpr.clone()),
        (Regulation::Ccpa, category.ccpa.clone()),
        (Regulation::PciDss, pci),
    ];
    let named = |(regulation, term): (Regulation, Option<String>)| {
        Some(RegulationTerm { regulation: regulation.into(), term: term? })
    };
    terms.into_iter().filter_map(named).collect()
}

/// What stands in double square brackets.
fn marked(example: &str) -> impl Iterator<Item = String> {
    let parts = example.split("[[").skip(1);
    parts.filter_map(|part| part.split_once("]]")).map(|(inside, _)| inside.to_owned())
}

impl InfoTypeApi {
    pub const fn new(engine: Arc<Engine>) -> Self {
        Self { engine, all: OnceLock::new() }
    }

    fn all(&self) -> Result<&[InfoType]> {
        if let Some(all) = self.all.get() {
            return Ok(all);
        }
        let fitting = Fitting::new(self.engine.types()).map_err(Fault::internal)?;
        let mut all: Vec<_> =
            self.engine.types().iter().map(|info| self.described(info, &fitting)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(self.all.get_or_init(|| all))
    }

    fn described(&self, info: &EntityInfo, fitting: &Fitting) -> InfoType {
        let mut recognizers = self.engine.recognizers();
        recognizers.retain(|known| known.entity == info.name);
        let mut languages: Vec<_> =
            recognizers.iter().flat_map(|known| known.languages.clone()).collect();
        languages.sort_unstable();
        languages.dedup();
        if languages.iter().any(|language| language == "any") {
            languages.clear();
        }
        let examples: Vec<_> = recognizers
            .iter()
            .flat_map(|known| known.examples.iter().flat_map(|example| marked(example)))
            .collect();
        let operators = fitting.of(&info.name, &examples);
        let category = self.engine.categories().iter().find(|known| known.name == info.category);
        InfoType {
            name: info.name.to_string(),
            parent: info.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
            category: info.category.clone(),
            description: info.description.clone(),
            regulations: category.map(terms).unwrap_or_default(),
            languages,
            country: detection::country(info.name.as_str()).unwrap_or_default().to_owned(),
            operators: operators.into_iter().map(|name| rules::named(name).into()).collect(),
        }
    }

    fn list(&self, cx: &Cx, request: &ListInfoTypesRequest) -> Result<ListInfoTypesResponse> {
        let ListInfoTypesRequest { parent, category, language, country, .. } = request;
        let regulation = Regulation::try_from(request.regulation)
            .map_err(|_| Fault::invalid("regulation", "must be one of the enum's values"))?;
        if !parent.is_empty()
            && !self.engine.types().iter().any(|info| info.name.as_str() == parent)
        {
            return Err(Fault::invalid("parent", "is no type"));
        }
        if !category.is_empty()
            && !self.engine.categories().iter().any(|known| known.name == *category)
        {
            return Err(Fault::invalid("category", "is no category"));
        }
        let filter = format!("{parent}|{category}|{regulation:?}|{language}|{country}");
        let scope = Scope { tenant: cx.tenant(), method: cx.method(), filter: &filter };
        let page = Page::<String>::parse(&scope, request.page_size, &request.page_token)?;
        let below = |info: &InfoType| {
            let name = pii::EntityType::new(&info.name);
            let mut parents =
                std::iter::successors(self.engine.parent(&name), |of| self.engine.parent(of));
            parents.any(|of| of.as_str() == parent)
        };
        let wanted = |info: &&InfoType| {
            let term = |known: &RegulationTerm| known.regulation() == regulation;
            let speaks = |known: &Vec<String>| known.is_empty() || known.contains(language);
            (parent.is_empty() || below(info))
                && (category.is_empty() || info.category == *category)
                && (regulation == Regulation::Unspecified || info.regulations.iter().any(term))
                && (language.is_empty() || speaks(&info.languages))
                && (country.is_empty() || info.country == *country)
                && page.after.as_ref().is_none_or(|after| info.name > *after)
        };
        let limit = usize::try_from(page.limit()).map_err(Fault::internal)?;
        let rows: Vec<_> = self.all()?.iter().filter(wanted).take(limit).cloned().collect();
        let (info_types, next_page_token) = page.cut(&scope, rows, |info| info.name.clone())?;
        Ok(ListInfoTypesResponse { info_types, next_page_token })
    }
}

#[tonic::async_trait]
impl InfoTypeService for InfoTypeApi {
    async fn list_info_types(
        &self,
        request: Request<ListInfoTypesRequest>,
    ) -> Result<Response<ListInfoTypesResponse>, Status> {
        rpc::unary(request, |cx, message| async move { self.list(&cx, &message) }).await
    }
}
