//! All mutants of a source text, found in its syntax tree: comments, strings and tests hold none.

use std::{collections::HashMap, fmt, ops::Range};

use syn::{
    Attribute, Block, Expr, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Macro, Meta, Token, TraitItemFn,
    Type, punctuated::Punctuated, spanned::Spanned, visit, visit::Visit,
};

use crate::{ordering, publish, wake_up};

/// One change for the worse, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The file, as it was named to [`of_source`].
    pub file: String,
    /// The line of the change, from 1.
    pub line: usize,
    /// The function it is in, with its type.
    pub function: String,
    /// The code that is changed, on one line.
    pub before: String,
    /// What becomes of it.
    pub after: String,
    /// Which one it is, from 1, of those with the same file, function and change.
    pub number: usize,
    edit: Edit,
}

/// Bytes of the source and what to put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) at: Range<usize>,
    pub(crate) text: String,
    /// The bytes to show around it, so that a person can tell what it is.
    pub(crate) shown: Range<usize>,
}

impl Mutant {
    /// The mutated text of `source`, which is what the mutant was made from.
    pub fn apply(&self, source: &str) -> String {
        replaced(source, 0..source.len(), &self.edit)
    }
}

/// The mutant's name. It has no line number, so that it stays the same when the file changes elsewhere.
impl fmt::Display for Mutant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {}: {} -> {}", self.file, self.function, self.before, self.after)?;
        if self.number > 1 { write!(out, " #{}", self.number) } else { Ok(()) }
    }
}

/// All mutants of `source` in the order of its lines; `file` is how they shall name it.
///
/// # Errors
/// When it is not Rust.
pub fn of_source(file: &str, source: &str) -> syn::Result<Vec<Mutant>> {
    let mut search = Search { source, inside: Vec::new(), found: Vec::new() };
    search.visit_file(&syn::parse_file(source)?);
    search.found.sort_by_key(|(_, edit)| (edit.at.start, edit.at.end));
    let mut seen = HashMap::<_, usize>::new();
    let mutant = |(function, edit): (String, Edit)| {
        let before = on_one_line(&source[edit.shown.clone()]);
        let after = on_one_line(&replaced(source, edit.shown.clone(), &edit)).replace(ordering::PATH, "");
        let number = seen.entry((function.clone(), before.clone(), after.clone())).or_default();
        *number += 1;
        let line = source[..edit.at.start].matches('\n').count() + 1;
        Mutant { file: file.into(), line, function, before, after, number: *number, edit }
    };
    Ok(search.found.into_iter().map(mutant).collect())
}

fn replaced(source: &str, part: Range<usize>, edit: &Edit) -> String {
    [&source[part.start..edit.at.start], &edit.text, &source[edit.at.end..part.end]].concat()
}

fn on_one_line(code: &str) -> String {
    let lines = code.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code).trim());
    let mut joined = String::new();
    for line in lines.filter(|line| !line.is_empty()) {
        // A chain of calls is broken before the dot, which needs no space.
        if !joined.is_empty() && !line.starts_with('.') {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined
}

struct Search<'s> {
    source: &'s str,
    /// The types and functions that we are in, the innermost last.
    inside: Vec<String>,
    found: Vec<(String, Edit)>,
}

impl Search<'_> {
    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.inside.push(name);
        visit(self);
        self.inside.pop();
    }

    fn add(&mut self, edits: impl IntoIterator<Item = Edit>) {
        let function = self.inside.join("::");
        self.found.extend(edits.into_iter().map(|edit| (function.clone(), edit)));
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if for_tests(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        let name = match &*block.self_ty {
            Type::Path(path) => path.path.segments.last().map(|word| word.ident.to_string()),
            _ => None,
        };
        self.within(name.unwrap_or("impl".into()), |search| visit::visit_item_impl(search, block));
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.within(function.sig.ident.to_string(), |search| visit::visit_item_fn(search, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.within(function.sig.ident.to_string(), |search| visit::visit_impl_item_fn(search, function));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        self.within(function.sig.ident.to_string(), |search| visit::visit_trait_item_fn(search, function));
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.add(ordering::weaker(expression));
        self.add(wake_up::dropped(expression, self.source));
        visit::visit_expr(self, expression);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        // Nobody but the macro knows its grammar, but most are called as `assert_eq!` is: with expressions.
        if let Ok(arguments) = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            arguments.iter().for_each(|argument| self.visit_expr(argument));
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.add(publish::swapped(block, self.source));
        visit::visit_block(self, block);
    }
}

/// `#[test]`, and `#[cfg(test)]` in any form that asks for `test`.
fn for_tests(attributes: &[Attribute]) -> bool {
    let asks = |attribute: &Attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => {
            let words = list.tokens.to_string();
            list.path.is_ident("cfg")
                && !words.contains("not")
                && words.split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
        }
        Meta::NameValue(_) => false,
    };
    attributes.iter().any(asks)
}

/// The bytes of a piece of syntax.
pub(crate) fn bytes(syntax: &impl Spanned) -> Range<usize> {
    syntax.span().byte_range()
}
