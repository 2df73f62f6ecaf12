//! The catalogue of types: what regulations call them, whose they are, what fits them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use anonymizer::presentation::InfoTypeApi;
use kernel::TenantId;
use proto::anonymizer::v1::info_type_service_server::InfoTypeService as _;
use proto::anonymizer::v1::{InfoType, ListInfoTypesRequest, Operator, Regulation};
use tonic::Status;

use common::{call, refusal};

async fn listed(
    api: &InfoTypeApi,
    change: impl Fn(&mut ListInfoTypesRequest),
) -> Result<Vec<InfoType>, Status> {
    let (mut found, mut page_token, tenant) = (Vec::new(), String::new(), TenantId::new());
    loop {
        let mut message = ListInfoTypesRequest { page_token, ..Default::default() };
        change(&mut message);
        let answer =
            api.list_info_types(call("ListInfoTypes", tenant, message)).await?.into_inner();
        found.extend(answer.info_types);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

fn names(types: &[InfoType]) -> Vec<&str> {
    types.iter().map(|info| info.name.as_str()).collect()
}

#[tokio::test]
async fn every_type_is_listed_once_whatever_the_page() {
    let engine = pii::Engine::standard().unwrap();
    let api = InfoTypeApi::new(std::sync::Arc::clone(&engine));
    let all = listed(&api, |_| {}).await.unwrap();
    assert_eq!(all.len(), engine.types().len());
    assert!(all.is_sorted_by(|one, other| one.name < other.name));
    assert!(all.iter().all(|info| !info.description.is_empty() && info.operators.len() >= 7));
    for page_size in [7, 1_000] {
        let again = listed(&api, |message| message.page_size = page_size).await.unwrap();
        assert_eq!(names(&again), names(&all), "{page_size} a page");
    }
    let ssn = all.iter().find(|info| info.name == "US_SSN").unwrap();
    assert_eq!((ssn.parent.as_str(), ssn.country.as_str()), ("ID_NUMBER", "US"));
    assert!(ssn.operators().any(|operator| operator == Operator::FormatPreserving));
    assert!(!ssn.operators().any(|operator| operator == Operator::DateShift));
    let date = all.iter().find(|info| info.name == "DATE_TIME").unwrap();
    assert!(date.operators().any(|operator| operator == Operator::DateShift));
    assert!(date.regulations.iter().any(|term| term.regulation() == Regulation::Hipaa));
}

#[tokio::test]
async fn what_is_asked_for_together_holds_together() {
    let engine = pii::Engine::standard().unwrap();
    let api = InfoTypeApi::new(std::sync::Arc::clone(&engine));
    let cards =
        listed(&api, |message| message.regulation = Regulation::PciDss.into()).await.unwrap();
    assert!(names(&cards).contains(&"CREDIT_CARD") && !names(&cards).contains(&"PERSON"));
    let british = listed(&api, |message| message.country = "GB".into()).await.unwrap();
    assert!(names(&british).contains(&"UK_NHS") && british.iter().all(|info| info.country == "GB"));
    let ids = listed(&api, |message| {
        message.parent = "ID_NUMBER".into();
        message.country = "US".into();
        message.page_size = 2;
    });
    let ids = ids.await.unwrap();
    assert!(
        names(&ids).contains(&"US_SSN") && names(&ids).contains(&"US_PASSPORT"),
        "a child's child: {:?}",
        names(&ids)
    );
    let french = listed(&api, |message| message.language = "fr".into()).await.unwrap();
    assert!(names(&french).contains(&"EMAIL_ADDRESS") && !names(&french).contains(&"US_SSN"));
    for (change, field) in [
        ((|message| message.parent = "SHOE".into()) as fn(&mut ListInfoTypesRequest), "parent"),
        (|message| message.category = "shoes".into(), "category"),
        (|message| message.regulation = 9, "regulation"),
        (|message| message.page_size = -1, "page_size"),
    ] {
        assert_eq!(refusal(listed(&api, change).await), ("INVALID_FIELD".into(), field.into()));
    }
}
