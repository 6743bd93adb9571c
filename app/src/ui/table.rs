//! Parts of tables: values of a row that follow its signal, and heads, some of which sort.

use super::Icon;
use leptos::prelude::*;
use model::page::Direction;

/// One value of a row: it changes only when the value does.
pub fn cell<R: Send + Sync + 'static, T: PartialEq + Clone + Send + Sync + 'static>(
    row: &ArcRwSignal<R>,
    value: impl Fn(&R) -> T + Send + Sync + 'static,
) -> Memo<T> {
    let row = row.clone();
    Memo::new(move |_| row.with(&value))
}

/// The head of a table: the labels of the columns, each with its classes.
pub fn heads(columns: &[(&'static str, &'static str)]) -> impl IntoView + use<> {
    let heads = columns
        .iter()
        .map(|(label, class)| view! { <th role="columnheader" scope="col" class=(!class.is_empty()).then_some(*class)>{*label}</th> });
    view! { <thead role="rowgroup"><tr role="row">{heads.collect_view()}</tr></thead> }
}

/// The head of a column that rows can be sorted by; `sorted` is the direction if they are.
#[component]
pub fn SortHead(
    #[prop(into)] label: String,
    class: &'static str,
    sorted: Option<Direction>,
    /// Where the rows are sorted by this column, or the other way round. A closure, not a signal: while the next window
    /// loads, the old table is still shown, but its signals are gone.
    href: impl Fn() -> String + Send + Sync + 'static,
    /// 14 px instead of 16 for the icon.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    view! {
        <th role="columnheader" scope="col" class=class aria-sort=sorted.map(Direction::aria)>
            <a href=href>{label} {sorted.map(|_| view! { <Icon name="i-sort" small/> })}</a>
        </th>
    }
}
