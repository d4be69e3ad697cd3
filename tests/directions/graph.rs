//! The arrows between the files of a crate: an arrow leads from a file to each file whose names it uses.

use super::source::{Import, Modules};
use std::collections::{BTreeMap, BTreeSet};

/// The names that one file takes from another, by the two files.
pub type Arrows = BTreeMap<(String, String), BTreeSet<String>>;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    module: Vec<String>,
    /// The item in that module, unless the path leads to the module itself.
    item: Option<String>,
}

/// Finds the arrows. These are none:
///
/// - importing a module: only using a name in it is;
/// - a public re-export, by name, of what lies in a module's own folder: those who import it have an arrow to the file
///   that defines it;
/// - what a file in a module's folder uses of that module: the folder is a part of the module.
pub fn arrows(modules: &Modules) -> Arrows {
    let mut arrows = Arrows::new();
    for (path, module) in modules {
        let mut add = |target: &Target, name: &str| {
            let (from, to) = (&module.file, &modules[&target.module].file);
            if from != to && !path.starts_with(&target.module) {
                arrows.entry((from.clone(), to.clone())).or_default().insert(name.to_owned());
            }
        };
        let exported = |import: &Import, target: &Target| import.public && target.module.starts_with(path);
        for import in module.imports.values() {
            if let Some(target) = resolve(modules, path, &import.path, 0) {
                if let Some(item) = target.item.as_ref().filter(|_| !exported(import, &target)) {
                    add(&target, item);
                }
            }
        }
        for import in &module.globs {
            if let Some(target) = resolve(modules, path, &import.path, 0) {
                add(&target, "*");
            }
        }
        for written in &module.paths {
            if let Some(target) = resolve(modules, path, written, 0) {
                if let Some(item) = &target.item {
                    add(&target, item);
                }
            }
        }
    }
    arrows
}

/// Import chains are short. One that is longer goes round in a circle.
const DEPTH_MAX: usize = 16;

/// Follows a path that is written in the module `from`. `None` if it leads out of the crate or to something local.
fn resolve(modules: &Modules, from: &[String], written: &[String], depth: usize) -> Option<Target> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut module = from.to_vec();
    let mut rest = written;
    match written.first()?.as_str() {
        "crate" => {
            module.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                module.pop()?;
                rest = &rest[1..];
            }
        }
        first => {
            let (first, after) = (first.to_owned(), &rest[1..]);
            let target = lookup(modules, from, &first, after.is_empty(), depth)?;
            return descend(modules, target, after, depth);
        }
    }
    descend(modules, Target { module, item: None }, rest, depth)
}

fn descend(modules: &Modules, mut target: Target, mut rest: &[String], depth: usize) -> Option<Target> {
    while let ([name, after @ ..], None) = (rest, &target.item) {
        let found = lookup(modules, &target.module, name, after.is_empty(), depth);
        // A name that is neither a module nor imported is defined there.
        target = found.unwrap_or(Target { item: Some(name.clone()), ..target });
        rest = after;
    }
    Some(target)
}

/// Resolves a name in a module, if it is a module or imported. An imported item goes before a module of the same
/// name at the end of a path: such a module has that item as its main one.
fn lookup(modules: &Modules, module: &[String], name: &str, last: bool, depth: usize) -> Option<Target> {
    let imported = || {
        let import = modules.get(module)?.imports.get(name)?;
        // `use name::…` in the module that has a child of this name would find itself.
        if import.path.len() == 1 && import.path[0] == name {
            return None;
        }
        resolve(modules, module, &import.path, depth + 1)
    };
    let child = || {
        let path: Vec<String> = module.iter().cloned().chain([name.to_owned()]).collect();
        modules.contains_key(&path).then_some(Target { module: path, item: None })
    };
    let by_glob = || {
        modules.get(module)?.globs.iter().find_map(|glob| {
            let target = resolve(modules, module, &glob.path, depth + 1).filter(|target| target.item.is_none())?;
            if target.module == module {
                return None;
            }
            lookup(modules, &target.module, name, last, depth + 1)
        })
    };
    if depth > DEPTH_MAX {
        return None;
    }
    if last { imported().or_else(child) } else { child().or_else(imported) }.or_else(by_glob)
}

/// The sets of files that lead to one another, each sorted.
pub fn circles(arrows: &Arrows) -> Vec<Vec<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in arrows.keys() {
        next.entry(from).or_default().insert(to);
    }
    // Small enough a graph for asking, of each file, which files it reaches.
    let reach = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = next.get(from).into_iter().flatten().copied().collect();
        while let Some(file) = open.pop() {
            if seen.insert(file.to_owned()) {
                open.extend(next.get(file).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> = next.keys().map(|file| (*file, reach(file))).collect();
    let leads = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mut circles: Vec<Vec<String>> = Vec::new();
    for file in next.keys().filter(|file| leads(file, file)) {
        if !circles.iter().flatten().any(|known| known == file) {
            let others = next.keys().filter(|other| leads(file, other) && leads(other, file));
            circles.push(others.map(|other| (*other).to_owned()).collect());
        }
    }
    circles
}
