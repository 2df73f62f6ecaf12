//! One bootstrap from several: their listeners and clusters side by side.

use serde_json::Value;

use crate::{Error, Result};

/// Adds another bootstrap's listeners and clusters. What is more than those
/// (node, admin, limits) stays the first one's, for there is one process.
pub(crate) fn merge(into: &mut Value, from: &Value) -> Result<()> {
    for (kind, pointer) in [
        ("the listener", "/static_resources/listeners"),
        ("the cluster", "/static_resources/clusters"),
    ] {
        let more = from.pointer(pointer).and_then(Value::as_array);
        let have = into.pointer_mut(pointer).and_then(Value::as_array_mut);
        let (Some(more), Some(have)) = (more, have) else { continue };
        for item in more {
            match have.iter().find(|other| other["name"] == item["name"]) {
                None => have.push(item.clone()),
                // The trace collector, which every template names.
                Some(same) if same == item => {}
                Some(_) => {
                    let name = item["name"].as_str().unwrap_or_default().to_owned();
                    return Err(Error::Clash { kind, name });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bootstrap(name: &str, timeout: u32) -> Value {
        json!({"static_resources": {
            "listeners": [{"name": name}],
            "clusters": [{"name": "otlp", "timeout": timeout}],
        }})
    }

    #[test]
    fn the_same_cluster_is_kept_once() {
        let mut one = bootstrap("a", 1);
        merge(&mut one, &bootstrap("b", 1)).unwrap();
        assert_eq!(one["static_resources"]["listeners"], json!([{"name": "a"}, {"name": "b"}]));
        assert_eq!(one["static_resources"]["clusters"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_name_with_two_meanings_is_refused() {
        let refused = merge(&mut bootstrap("a", 1), &bootstrap("b", 2)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the templates define the cluster `otlp` twice, differently"
        );
    }
}
