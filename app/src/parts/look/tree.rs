//! Values of JSON or YAML, folded where they are deep.

use leptos::prelude::*;
use model::{preview::Tree, text};

/// Members that are shown unfolded, and how deep.
const FEW: usize = 50;
const DEEP: u32 = 2;

#[component]
pub fn TreeView(tree: Tree, label: String) -> impl IntoView {
    view! {
        <div class="scroller values" tabindex="0" role="region" aria-label=label>
            <ul><Value name=None tree deep=0/></ul>
        </div>
    }
}

#[component]
fn Value(name: Option<String>, tree: Tree, deep: u32) -> impl IntoView {
    let key = name.map(|name| view! { <b>{name}</b>": " });
    let (count, members): (String, Vec<(Option<String>, Tree)>) = match tree {
        Tree::List(list) => (format!("[{}]", text::count(list.len() as i64)), list.into_iter().map(|value| (None, value)).collect()),
        Tree::Map(map) => {
            (format!("{{{}}}", text::count(map.len() as i64)), map.into_iter().map(|(name, value)| (Some(name), value)).collect())
        }
        Tree::More(more) => return view! { <li class="dim">{format!("… {more} more")}</li> }.into_any(),
        one => {
            let (kind, says) = match one {
                Tree::Text(text) => ("c-string", text),
                Tree::Number(number) => ("c-constant", number),
                Tree::Flag(flag) => ("c-keyword", flag.to_string()),
                _ => ("dim", "null".to_owned()),
            };
            return view! { <li>{key}<span class=kind>{says}</span></li> }.into_any();
        }
    };
    if members.is_empty() {
        return view! { <li>{key}<span class="dim">{count}</span></li> }.into_any();
    }
    let open = deep < DEEP && members.len() <= FEW || deep == 0;
    let members = members
        .into_iter()
        .map(|(name, tree)| {
            // A member that says that there are more has no name.
            let name = name.filter(|_| !matches!(tree, Tree::More(_)));
            view! { <Value name tree deep=deep + 1/> }.into_any()
        })
        .collect_view();
    view! { <li><details open=open><summary>{key}<span class="dim">{count}</span></summary><ul>{members}</ul></details></li> }.into_any()
}
