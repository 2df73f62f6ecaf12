//! What a call wants done, as a policy. Rules become the document that they would be in a stored
//! policy: one reader knows the operators, their parameters and their bounds.

use std::sync::Arc;

use kernel::{Fault, Result};
use pii::EntityInfo;
use proto::anonymizer::v1::{AnonymizeRequest, Operator, Rule};
use rpc::{Cx, parse};
use serde_json::{Map, Value, json};
use transform::{Policy, PolicyError};

use registry::Policies;

const MOST_RULES: usize = 200;
/// What a policy is called that lives as long as its call.
const NAME: &str = "of-the-call";

/// The one that the call names or describes, and its name with the revision if it has one.
pub(super) async fn policy(
    cx: &Cx,
    policies: &Policies,
    types: &[EntityInfo],
    request: &AnonymizeRequest,
) -> Result<(Arc<Policy>, String)> {
    let given = [request.operator != 0, !request.rules.is_empty(), !request.policy.is_empty()];
    if given.iter().filter(|given| **given).count() > 1 {
        let why = "is not possible together with another of operator, rules and policy";
        let field = if request.policy.is_empty() { "rules" } else { "policy" };
        return Err(Fault::invalid(field, why));
    }
    if !request.policy.is_empty() {
        return policies.named(cx, "policy", &request.policy).await;
    }
    let policy = if request.rules.is_empty() {
        of_operator(types, request.operator)?
    } else {
        of_rules(types, &request.rules)?
    };
    Ok((Arc::new(policy), String::new()))
}

fn of_operator(types: &[EntityInfo], operator: i32) -> Result<Policy> {
    let rule = Rule { operator, ..Rule::default() };
    let default = table(&rule, "operator")?;
    let document = json!({ "name": NAME, "version": 1, "default": default });
    Policy::parse(&document.to_string(), types)
        .map_err(|_| Fault::invalid("operator", "needs parameters: name it in a rule"))
}

fn of_rules(types: &[EntityInfo], rules: &[Rule]) -> Result<Policy> {
    parse::within("rules", rules.len(), 0, MOST_RULES, "rules")?;
    let mut default = None;
    let mut tables = Map::new();
    for (index, rule) in rules.iter().enumerate() {
        let field = format!("rules[{index}]");
        if !rule.r#type.is_empty() && !types.iter().any(|info| info.name.as_str() == rule.r#type) {
            return Err(Fault::invalid(format!("{field}.type"), "is no type; see ListRecognizers"));
        }
        let table = Value::Object(table(rule, &format!("{field}.operator"))?);
        let before = if rule.r#type.is_empty() {
            default.replace(table)
        } else {
            tables.insert(rule.r#type.clone(), table)
        };
        if before.is_some() {
            return Err(Fault::invalid(format!("{field}.type"), "has a rule already"));
        }
    }
    let usual = || json!({ "operator": name(Operator::Placeholder) });
    let document = json!({
        "name": NAME, "version": 1, "default": default.unwrap_or_else(usual), "types": tables,
    });
    Policy::parse(&document.to_string(), types).map_err(|error| wrong(rules, &error))
}

/// The name of an operator in documents.
pub(super) const fn name(operator: Operator) -> &'static str {
    match operator {
        Operator::Unspecified | Operator::Placeholder => "placeholder",
        Operator::Redact => "redact",
        Operator::Mask => "mask",
        Operator::Replace => "replace",
        Operator::Keep => "keep",
        Operator::Hash => "hash",
        Operator::Encrypt => "encrypt",
        Operator::Tokenize => "tokenize",
        Operator::FormatPreserving => "format_preserving",
        Operator::DateShift => "date_shift",
        Operator::Bucket => "bucket",
        Operator::Generalize => "generalize",
        Operator::Surrogate => "surrogate",
    }
}

/// All but `UNSPECIFIED`.
const OPERATORS: [Operator; 13] = [
    Operator::Placeholder,
    Operator::Redact,
    Operator::Mask,
    Operator::Replace,
    Operator::Keep,
    Operator::Hash,
    Operator::Encrypt,
    Operator::Tokenize,
    Operator::FormatPreserving,
    Operator::DateShift,
    Operator::Bucket,
    Operator::Generalize,
    Operator::Surrogate,
];

/// The operator of a name.
pub(super) fn named(operator: &str) -> Operator {
    let found = OPERATORS.into_iter().find(|known| name(*known) == operator);
    found.unwrap_or(Operator::Unspecified)
}

/// A rule as the table that it is in a document; what is not set is left out.
fn table(rule: &Rule, field: &str) -> Result<Map<String, Value>> {
    let operator = |wire: i32, field: &str| {
        let known = Operator::try_from(wire);
        known.map(name).map_err(|_| Fault::invalid(field, "must be one of the enum's values"))
    };
    let otherwise = match (rule.otherwise_refuse, rule.otherwise) {
        (true, 0) => Some(json!({ "operator": "refuse" })),
        (true, _) => {
            let field = field.replace("operator", "otherwise_refuse");
            return Err(Fault::invalid(field, "is not possible together with otherwise"));
        }
        (false, 0) => None,
        (false, other) => {
            let field = field.replace("operator", "otherwise");
            Some(json!({ "operator": operator(other, &field)? }))
        }
    };
    let fields = [
        ("operator", Some(json!(operator(rule.operator, field)?))),
        ("otherwise", otherwise),
        ("min_score", rule.min_score.map(|score| json!(score))),
        ("with", rule.with.as_ref().map(|with| json!(with))),
        ("keep_first", rule.keep_first.map(|count| json!(count))),
        ("keep_last", rule.keep_last.map(|count| json!(count))),
        ("keep_domain", rule.keep_domain.map(|flag| json!(flag))),
        ("length", rule.length.map(|count| json!(count))),
        ("bare", rule.bare.map(|flag| json!(flag))),
        ("days", rule.days.map(|count| json!(count))),
        ("width", rule.width.map(|count| json!(count))),
        ("top", rule.top.map(|count| json!(count))),
        ("bottom", rule.bottom.map(|count| json!(count))),
        ("to", (!rule.to.is_empty()).then(|| json!(rule.to))),
        ("max_age", rule.max_age.map(|count| json!(count))),
        ("keep", rule.keep.map(|count| json!(count))),
        ("restricted_zip", rule.restricted_zip.map(|flag| json!(flag))),
        ("v4", rule.v4.map(|bits| json!(bits))),
        ("v6", rule.v6.map(|bits| json!(bits))),
        ("places", rule.places.map(|count| json!(count))),
        ("ttl_seconds", rule.ttl_seconds.map(|count| json!(count))),
    ];
    let set = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(set.collect())
}

/// An error of the document, by the field of the call: `types.PERSON.with` is `rules[2].with`.
fn wrong(rules: &[Rule], error: &PolicyError) -> Fault {
    let (path, why) = told(error);
    // Types have no dots in their names.
    let (kind, field) = match path.strip_prefix("types.").and_then(|path| path.split_once('.')) {
        Some(of_type) => of_type,
        None => ("", path.strip_prefix("default.").unwrap_or_default()),
    };
    let index = rules.iter().position(|rule| rule.r#type == kind).unwrap_or_default();
    let field = field.strip_suffix(".operator").unwrap_or(field);
    Fault::invalid(format!("rules[{index}].{field}"), why)
}

/// Where a document is wrong, and why.
pub(super) fn told(error: &PolicyError) -> (String, String) {
    let path = error.path().unwrap_or_default();
    let text = error.to_string();
    let why = text.strip_prefix(path).unwrap_or(&text).trim_start();
    (path.to_owned(), why.to_owned())
}
