//! Pictures of structure: a small tree of names and values.

/// A line, and what hangs below it.
pub struct Node {
    name: String,
    value: String,
    below: Vec<Node>,
}

impl Node {
    pub fn leaf(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), below: Vec::new() }
    }

    pub fn branch(name: impl Into<String>, below: Vec<Self>) -> Self {
        Self { name: name.into(), value: String::new(), below }
    }

    #[must_use]
    pub fn with(mut self, below: Vec<Self>) -> Self {
        self.below = below;
        self
    }

    /// The tree as lines. Control characters are no business of a terminal.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![join(&self.name, &self.value, self.name.chars().count())];
        draw(&self.below, "", &mut lines);
        lines.into_iter().map(|line| line.replace(char::is_control, " ")).collect()
    }
}

fn draw(nodes: &[Node], indent: &str, lines: &mut Vec<String>) {
    let width = nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or_default();
    for (at, node) in nodes.iter().enumerate() {
        let (branch, below) =
            if at + 1 == nodes.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{indent}{branch}{}", join(&node.name, &node.value, width)));
        draw(&node.below, &format!("{indent}{below}"), lines);
    }
}

fn join(name: &str, value: &str, width: usize) -> String {
    if value.is_empty() { name.to_owned() } else { format!("{name:width$}  {value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_drawn() {
        let tree = Node::leaf("envelope", "x").with(vec![
            Node::leaf("to", "a\u{1b}[31m"),
            Node::branch("content", vec![Node::leaf("size", "3")]),
        ]);
        let expected = ["envelope  x", "├─ to       a [31m", "└─ content", "   └─ size  3"];
        assert_eq!(tree.lines(), expected);
    }
}
