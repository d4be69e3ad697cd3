//! Reads YAML into a tree of scalars, lists and mappings with their lines. All scalars are text. Depth and size are
//! limited, also where aliases repeat a part.

use crate::settings::rejection::stable::YamlFault;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;

/// The deepest nesting. The format of stable configuration needs five levels.
const DEPTH_MAX: usize = 16;
/// The most memory that the values may take, with those that aliases repeat, as `cost` estimates it.
const COST_MAX: usize = 4 << 20;

/// A value, and the line where it begins, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The line.
    pub line: usize,
    /// The value.
    pub content: Content,
}

/// The content of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing: no text, or `null` without quotes.
    Null,
    /// A scalar, whatever its type.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in the order of the text.
    Mapping(Vec<(Node, Node)>),
}

/// A list or mapping whose end was not read yet.
struct Open {
    anchor: usize,
    line: usize,
    mapping: bool,
    nodes: Vec<Node>,
}

/// Reads a text with one document or none.
pub fn parse(bytes: &[u8]) -> Result<Node, (usize, YamlFault)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        (1 + before.iter().filter(|byte| **byte == b'\n').count(), YamlFault::NotUtf8)
    })?;
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| (error.marker().line(), YamlFault::Syntax { error: error.info().to_string() }))?;
        let line = span.start.line();
        tree.take(event, line).map_err(|why| (line, why))?;
    }
    Ok(tree.root.unwrap_or(Node { line: 1, content: Content::Null }))
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
    /// Values that aliases may repeat.
    anchors: BTreeMap<usize, Node>,
    cost: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlFault> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(YamlFault::SecondDocument),
            Event::Scalar(text, style, anchor, _) => {
                let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let content = if null { Content::Null } else { Content::Text(text.into_owned()) };
                self.add(Node { line, content }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open { anchor, line, mapping: false, nodes: Vec::new() }),
            Event::MappingStart(anchor, _) => self.begin(Open { anchor, line, mapping: true, nodes: Vec::new() }),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { anchor, line, mapping, nodes }) => {
                    let content = if mapping { Content::Mapping(pairs(nodes)) } else { Content::List(nodes) };
                    self.add(Node { line, content }, anchor)
                }
                None => Ok(()),
            },
            // An alias inside of the part that it names has nothing to repeat yet.
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) if self.open.len() + depth(&node) > DEPTH_MAX => Err(YamlFault::TooDeep { max: DEPTH_MAX }),
                Some(node) => {
                    self.spend(cost(&node))?;
                    self.add(node, 0)
                }
                None => self.add(Node { line, content: Content::Null }, 0),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), YamlFault> {
        self.open.push(open);
        match self.open.len() <= DEPTH_MAX {
            true => Ok(()),
            false => Err(YamlFault::TooDeep { max: DEPTH_MAX }),
        }
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), YamlFault> {
        self.spend(own_cost(&node))?;
        if anchor > 0 {
            self.spend(cost(&node))?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn spend(&mut self, cost: usize) -> Result<(), YamlFault> {
        self.cost += cost;
        match self.cost <= COST_MAX {
            true => Ok(()),
            false => Err(YamlFault::TooMany),
        }
    }
}

fn pairs(nodes: Vec<Node>) -> Vec<(Node, Node)> {
    let mut nodes = nodes.into_iter();
    std::iter::from_fn(|| Some((nodes.next()?, nodes.next()?))).collect()
}

/// The memory of a value without the values in it, in bytes, roughly.
fn own_cost(node: &Node) -> usize {
    100 + if let Content::Text(text) = &node.content { text.len() } else { 0 }
}

/// The memory of a value with the values in it. Its depth is limited, so this recursion is, too.
fn cost(node: &Node) -> usize {
    own_cost(node) + inside(node).map(cost).sum::<usize>()
}

/// The number of lists and mappings that are nested in a value.
fn depth(node: &Node) -> usize {
    match node.content {
        Content::Null | Content::Text(_) => 0,
        _ => 1 + inside(node).map(depth).max().unwrap_or(0),
    }
}

fn inside(node: &Node) -> impl Iterator<Item = &Node> {
    let (list, mapping): (&[Node], &[(Node, Node)]) = match &node.content {
        Content::Null | Content::Text(_) => (&[], &[]),
        Content::List(nodes) => (nodes, &[]),
        Content::Mapping(pairs) => (&[], pairs),
    };
    list.iter().chain(mapping.iter().flat_map(|(key, value)| [key, value]))
}
