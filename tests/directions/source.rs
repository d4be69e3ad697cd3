//! Reads the modules of a crate from its root file: which modules there are, what each imports, and which paths it names.
//! Code under `#[cfg(test)]` is left out, as are comments and texts.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A path as it is written: `crate::a::B` is `["crate", "a", "B"]`.
pub type Written = Vec<String>;

/// One module.
#[derive(Default)]
pub struct Module {
    /// Its file, below the folder of the crate's root. A module in braces has the file of the module around it.
    pub file: String,
    /// What `use` brings in, by the name that it has here.
    pub imports: BTreeMap<String, Import>,
    /// What `use …::*` brings in.
    pub globs: Vec<Import>,
    /// Paths outside of `use` declarations.
    pub paths: Vec<Written>,
}

/// The path of one `use` declaration.
#[derive(Clone)]
pub struct Import {
    pub path: Written,
    /// `pub use`, with or without a restriction.
    pub public: bool,
}

/// The modules of a crate by path: `[]` is the root, `["log", "file"]` is `crate::log::file`.
pub type Modules = BTreeMap<Vec<String>, Module>;

/// Reads files by name; the tests below have a tree that lies in no folder.
pub trait Files {
    /// The text of a file, or `None` if there is no such file.
    fn read(&self, file: &str) -> Option<String>;
}

impl Files for &Path {
    fn read(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.join(file)).ok()
    }
}

/// Reads the crate whose root is this file.
pub fn read(files: &dyn Files, root: &str) -> Modules {
    let mut modules = Modules::new();
    read_file(files, root, PathBuf::new(), Vec::new(), &mut modules);
    modules
}

/// Reads a file and the files of its modules, which lie in `folder`.
fn read_file(files: &dyn Files, file: &str, folder: PathBuf, path: Vec<String>, modules: &mut Modules) {
    let text = files.read(file).unwrap_or_else(|| panic!("cannot read {file}"));
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file} is not Rust: {error}"));
    let mut reader = Reader { files, file: file.to_owned(), folder, path, module: Module::default(), modules };
    reader.module.file = file.to_owned();
    reader.items(tokens);
    let Reader { path, module, .. } = reader;
    modules.insert(path, module);
}

struct Reader<'a> {
    files: &'a dyn Files,
    file: String,
    folder: PathBuf,
    path: Vec<String>,
    module: Module,
    modules: &'a mut Modules,
}

impl Reader<'_> {
    /// Takes `use` and `mod` declarations and paths out of these tokens, at any depth.
    fn items(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.attribute(&tokens, at),
                TokenTree::Ident(ident) if ident == "use" => self.use_declaration(&tokens, at),
                TokenTree::Ident(ident) if ident == "mod" => self.mod_declaration(&tokens, at),
                TokenTree::Ident(_) => self.named_path(&tokens, at),
                TokenTree::Group(group) => {
                    self.items(group.stream());
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    /// Returns where the item behind a `#[cfg(test)]` ends, or else where the attribute ends.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let inner = usize::from(is_punct(tokens.get(at + 1), '!'));
        let Some(TokenTree::Group(group)) = tokens.get(at + 1 + inner) else { return at + 1 };
        let after = at + 2 + inner;
        if inner == 1 || group.stream().to_string().replace(' ', "") != "cfg(test)" {
            return after;
        }
        let end = |token: &TokenTree| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => matches!(punct.as_char(), ';' | ','),
            _ => false,
        };
        // In `use a::{b, c};` the braces are not the end.
        let is_use = tokens[after..].iter().take(2).any(|token| is_ident(Some(token), "use"));
        let found =
            tokens[after..].iter().position(|token| if is_use { is_punct(Some(token), ';') } else { end(token) });
        found.map_or(tokens.len(), |length| after + length + 1)
    }

    fn use_declaration(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        // `+ use<'a>` in a type is no declaration.
        if is_punct(tokens.get(at + 1), '<') {
            return at + 1;
        }
        let end = tokens[at..].iter().position(|token| is_punct(Some(token), ';')).map_or(tokens.len(), |to| at + to);
        let before = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at));
        let public = is_ident(before(1), "pub")
            || (matches!(before(1), Some(TokenTree::Group(_))) && is_ident(before(2), "pub"));
        self.use_tree(&tokens[at + 1..end], &[], public);
        end + 1
    }

    /// One branch of `use a::{b, c::d as e}`, without its end.
    fn use_tree(&mut self, tokens: &[TokenTree], prefix: &[String], public: bool) {
        let mut path = prefix.to_vec();
        let mut alias = None;
        let mut tokens = tokens.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "as" => alias = tokens.next().map(ToString::to_string),
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.module.globs.push(Import { path, public });
                    return;
                }
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in inner.split(|token| is_punct(Some(token), ',')).filter(|branch| !branch.is_empty()) {
                        self.use_tree(branch, &path, public);
                    }
                    return;
                }
                _ => {}
            }
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let Some(name) = alias.or_else(|| path.last().cloned()) else { return };
        // Each `as _` is one of many.
        let name = if name == "_" { format!("_{}", self.module.imports.len()) } else { name };
        self.module.imports.insert(name, Import { path, public });
    }

    fn mod_declaration(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (Some(TokenTree::Ident(name)), Some(what)) = (tokens.get(at + 1), tokens.get(at + 2)) else {
            return at + 1;
        };
        let mut path = self.path.clone();
        path.push(name.to_string());
        let folder = self.folder.join(name.to_string());
        match what {
            TokenTree::Group(body) => self.inline(body, path, folder),
            _ if is_punct(Some(what), ';') => {
                let names = [folder.with_extension("rs"), folder.join("mod.rs")];
                let names = names.map(|name| name.to_string_lossy().into_owned());
                let file = names.iter().find(|file| self.files.read(file).is_some());
                let file = file.unwrap_or_else(|| panic!("{}: no file for the module {name}", self.file));
                read_file(self.files, file, folder, path, self.modules);
            }
            _ => return at + 1,
        }
        at + 3
    }

    fn inline(&mut self, body: &Group, path: Vec<String>, folder: PathBuf) {
        let module = Module { file: self.file.clone(), ..Module::default() };
        let mut reader =
            Reader { files: self.files, file: self.file.clone(), folder, path, module, modules: self.modules };
        reader.items(body.stream());
        let Reader { path, module, .. } = reader;
        self.modules.insert(path, module);
    }

    /// `a::b::c`, from its first name.
    fn named_path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let separator = |at: usize| is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':');
        let mut path = vec![tokens[at].to_string()];
        let mut end = at + 1;
        while separator(end) {
            let Some(TokenTree::Ident(next)) = tokens.get(end + 2) else { break };
            path.push(next.to_string());
            end += 3;
        }
        // What follows `::` without a name before it belongs to another crate or to a type.
        let rooted = at >= 2 && separator(at - 2);
        if path.len() > 1 && !rooted {
            self.module.paths.push(path);
        }
        end
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_ident(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == wanted)
}
