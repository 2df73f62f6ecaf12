//! Operators by rule and by policy: what they make of a text, where it stands, and the way back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::TenantId;
use proto::anonymizer::v1::{AnonymizeRequest, AnonymizeResponse, Operator, Rule};

use common::{Ring, Service, refusal};

const TEXT: &str = "Anna Weber (anna.weber@example.org) paid on 17.03.2024 with \
    4111 1111 1111 1111. Write to Anna Weber, customer no. K-48210377.";

fn rule(entity: &str, operator: Operator) -> Rule {
    Rule { r#type: entity.to_owned(), operator: operator.into(), ..Rule::default() }
}

fn by(rules: Vec<Rule>) -> AnonymizeRequest {
    AnonymizeRequest { text: Some(TEXT.to_owned()), rules, ..AnonymizeRequest::default() }
}

fn by_policy(policy: &str) -> AnonymizeRequest {
    AnonymizeRequest {
        text: Some(TEXT.to_owned()),
        policy: policy.to_owned(),
        ..AnonymizeRequest::default()
    }
}

/// What a type became: its operator and text, of the first one.
fn became(done: &AnonymizeResponse, entity: &str) -> (Operator, String) {
    let action = done.actions.iter().find(|action| action.r#type == entity).unwrap();
    let range =
        usize::try_from(action.output_start).unwrap()..usize::try_from(action.output_end).unwrap();
    (action.operator(), done.text[range].to_owned())
}

fn reversible() -> Vec<Rule> {
    let otherwise = Operator::Encrypt.into();
    vec![
        rule("EMAIL_ADDRESS", Operator::Encrypt),
        rule("CREDIT_CARD", Operator::FormatPreserving),
        Rule { otherwise, ..rule("ID_NUMBER", Operator::FormatPreserving) },
        rule("DATE_TIME", Operator::Keep),
    ]
}

db::both! { anonymizer::Anonymizer::migrations() =>
    async fn each_type_becomes_what_its_rule_says(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let shift = Rule { days: Some(30), ..rule("DATE_TIME", Operator::DateShift) };
        let mask = Rule { keep_last: Some(2), with: Some("#".into()), ..rule("CREDIT_CARD", Operator::Mask) };
        let rules = vec![rule("PERSON", Operator::Surrogate), shift, mask, rule("", Operator::Redact)];
        let message = AnonymizeRequest { subject: "patient 7".into(), ..by(rules) };
        let done = service.transform(TenantId::new(), message).await.unwrap();
        assert_eq!(done.findings.len(), done.actions.len());
        for (finding, action) in done.findings.iter().zip(&done.actions) {
            assert_eq!((&finding.r#type, finding.start, finding.end), (&action.r#type, action.start, action.end));
        }
        assert_eq!(became(&done, "CREDIT_CARD"), (Operator::Mask, "#### #### #### ##11".into()));
        assert_eq!(became(&done, "EMAIL_ADDRESS"), (Operator::Redact, String::new()));
        let (operator, person) = became(&done, "PERSON");
        assert!(operator == Operator::Surrogate && person != "Anna Weber" && person.contains(' '));
        assert_eq!(done.text.matches(&person).count(), 2, "one subject, one stand-in");
        let (_, date) = became(&done, "DATE_TIME");
        assert!(date.len() == 10 && date.ends_with("2024") && date != "17.03.2024");
        assert!(done.mapping.is_empty());
    }

    async fn what_is_reversible_comes_back_byte_for_byte(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = service.transform(tenant, by(reversible())).await.unwrap();
        assert_eq!(became(&done, "PERSON").0, Operator::Placeholder, "what has no rule");
        assert_eq!(became(&done, "DATE_TIME"), (Operator::Keep, "17.03.2024".into()));
        let (operator, card) = became(&done, "CREDIT_CARD");
        assert!(operator == Operator::FormatPreserving && card.len() == 19 && !card.starts_with("4111"));
        for original in ["Anna", "example.org", "4111", "48210377"] {
            assert!(!done.text.contains(original), "{original}");
        }
        assert_eq!(service.restore(tenant, &done.text, &done.mapping).await.unwrap(), TEXT);
        let events = service.events().await;
        let told: Vec<_> = events[0].attributes.iter().map(|pair| (&*pair.key, &*pair.value)).collect();
        assert_eq!(told, [("placeholders", "1"), ("tokens", "1"), ("formats", "2")]);
        // A text that already went through goes and comes once more.
        let message = AnonymizeRequest { text: Some(done.text.clone()), ..by(reversible()) };
        let twice = service.transform(tenant, message).await.unwrap();
        assert!(twice.actions.iter().any(|action| action.r#type == "NESTED_TOKEN"));
        assert_eq!(service.restore(tenant, &twice.text, &twice.mapping).await.unwrap(), done.text);
    }

    async fn a_value_that_kept_its_format_needs_the_unaltered_text(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = service.transform(tenant, by(reversible())).await.unwrap();
        let altered = service.restore(tenant, &format!("{} ", done.text), &done.mapping).await;
        assert_eq!(refusal(altered), ("INVALID_FIELD".into(), "text".into()));
        for index in (0..done.mapping.len()).step_by(7).chain([0]) {
            let mut altered = done.mapping.clone();
            altered[index] ^= 1;
            let outcome = service.restore(tenant, &done.text, &altered).await;
            assert_eq!(refusal(outcome).0, "MAPPING_INVALID", "byte {index}");
        }
    }

    async fn tokens_open_anywhere_in_their_tenant_only(db: Db) {
        let ring: Arc<Ring> = Arc::default();
        let service = Service::new(&db, &ring);
        let tenant = TenantId::new();
        let all = vec![rule("", Operator::Encrypt)];
        let done = service.transform(tenant, by(all.clone())).await.unwrap();
        assert!(done.mapping.is_empty(), "only the tenant's key is needed");
        let (_, token) = became(&done, "PERSON");
        // In another process, quoted in another text.
        let other = Service::new(&db, &ring);
        let restored = other.restore(tenant, &format!("Ask {token} about it"), &[]).await.unwrap();
        assert_eq!(restored, "Ask Anna Weber about it");
        assert_eq!(other.restore(tenant, &done.text, &[]).await.unwrap(), TEXT);
        assert!(service.events().await.iter().all(|event| event.subject == format!("tenants/{tenant}")));
        let foreign = TenantId::new();
        assert_eq!(service.restore(foreign, &done.text, &[]).await.unwrap(), done.text);
        let theirs = service.transform(foreign, by(all)).await.unwrap();
        assert_ne!(became(&theirs, "PERSON"), became(&done, "PERSON"));
    }

    async fn hashes_join_inside_a_tenant_only(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let (ours, theirs) = (TenantId::new(), TenantId::new());
        let hashed = async |tenant, text: &str| {
            let message = AnonymizeRequest { text: Some(text.into()), ..by(vec![rule("", Operator::Hash)]) };
            became(&service.transform(tenant, message).await.unwrap(), "EMAIL_ADDRESS").1
        };
        let one = hashed(ours, "Write to anna.weber@example.org.").await;
        assert_eq!(hashed(ours, "cc: Anna.Weber@example.org").await, one);
        assert_ne!(hashed(theirs, "Write to anna.weber@example.org.").await, one);
    }

    async fn ready_policies_are_known_by_name(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let done = service.transform(tenant, by_policy("policies/pci-dss")).await.unwrap();
        assert_eq!(became(&done, "CREDIT_CARD"), (Operator::Mask, "4111 11** **** 1111".into()));
        assert_eq!(done.text, TEXT.replace("4111 1111 1111 1111", "4111 11** **** 1111"));
        let done = service.transform(tenant, by_policy("policies/gdpr")).await.unwrap();
        assert_eq!(became(&done, "PERSON").0, Operator::Hash);
        assert_eq!(became(&done, "DATE_TIME").1, "2024-03");
        for name in ["policies/hipaa-safe-harbor", "policies/ccpa"] {
            let done = service.transform(tenant, by_policy(name)).await.unwrap();
            assert!(!done.text.contains("Anna") && !done.text.contains("4111"), "{name}");
        }
        for wrong in ["gdpr", "policies/none", "policies/"] {
            let outcome = service.transform(tenant, by_policy(wrong)).await;
            assert_eq!(refusal(outcome), ("INVALID_FIELD".into(), "policy".into()), "{wrong}");
        }
    }

    async fn a_dry_run_gives_nothing_out(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let tenant = TenantId::new();
        let real = service.transform(tenant, by(reversible())).await.unwrap();
        let dry = AnonymizeRequest { dry_run: true, ..by(reversible()) };
        let dry = service.transform(tenant, dry).await.unwrap();
        assert!(dry.text.is_empty() && dry.mapping.is_empty());
        assert_eq!((dry.findings, dry.actions.len()), (real.findings, real.actions.len()));
        for (dry, real) in dry.actions.iter().zip(&real.actions) {
            assert_eq!((&dry.r#type, dry.operator, dry.start), (&real.r#type, real.operator, real.start));
        }
    }

    async fn what_is_wrong_in_a_rule_is_named(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let person = |change: fn(&mut Rule)| {
            let mut rule = rule("PERSON", Operator::Mask);
            change(&mut rule);
            vec![self::rule("", Operator::Redact), rule]
        };
        for (rules, field) in [
            (vec![rule("SHOE", Operator::Mask)], "rules[0].type"),
            (vec![rule("a.b", Operator::Mask)], "rules[0].type"),
            (vec![rule("PERSON", Operator::Mask), rule("PERSON", Operator::Redact)], "rules[1].type"),
            (vec![rule("", Operator::Mask), rule("", Operator::Redact)], "rules[1].type"),
            (vec![rule("", Operator::Mask); 201], "rules"),
            (person(|rule| rule.operator = 99), "rules[1].operator"),
            (person(|rule| rule.otherwise = 99), "rules[1].otherwise"),
            (person(|rule| rule.keep_first = Some(-1)), "rules[1].keep_first"),
            (person(|rule| rule.with = Some("ab".into())), "rules[1].with"),
            (person(|rule| rule.length = Some(20)), "rules[1].length"),
            (person(|rule| rule.min_score = Some(f64::NAN)), "rules[1].min_score"),
            (person(|rule| rule.operator = Operator::Bucket.into()), "rules[1].width"),
            (person(|rule| rule.operator = Operator::Generalize.into()), "rules[1].to"),
            (person(|rule| rule.otherwise_refuse = true), "rules[1].otherwise"),
            (
                person(|rule| {
                    rule.operator = Operator::Surrogate.into();
                    rule.otherwise = Operator::Surrogate.into();
                }),
                "rules[1].otherwise",
            ),
        ] {
            let refused = refusal(service.transform(TenantId::new(), by(rules)).await);
            assert_eq!(refused, ("INVALID_FIELD".to_owned(), field.to_owned()));
        }
        let both = AnonymizeRequest { operator: Operator::Mask.into(), ..by_policy("policies/gdpr") };
        assert_eq!(refusal(service.transform(TenantId::new(), both).await).1, "policy");
        let both = AnonymizeRequest { operator: Operator::Mask.into(), ..by(reversible()) };
        assert_eq!(refusal(service.transform(TenantId::new(), both).await).1, "rules");
        let subject = AnonymizeRequest { subject: "x".repeat(257), ..by(Vec::new()) };
        assert_eq!(refusal(service.transform(TenantId::new(), subject).await).1, "subject");
    }

    async fn a_value_that_does_not_fit_refuses_the_text(db: Db) {
        let service = Service::new(&db, &Arc::default());
        let person = vec![rule("PERSON", Operator::FormatPreserving)];
        let message = AnonymizeRequest { text: Some("Dear Mr. Łukasz Żak,".into()), ..by(person) };
        let (reason, field) = refusal(service.transform(TenantId::new(), message).await);
        assert_eq!((reason.as_str(), field.as_str()), ("OPERATOR_UNFIT", "text"));
    }
}
