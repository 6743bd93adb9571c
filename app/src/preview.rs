//! Previews with their words coloured, as a page wants them. Server only; reads nothing.

use crate::highlight;
use model::preview::{Cell, Code, Preview};

/// The same preview, its code as HTML. Takes as long as colouring may.
pub fn dressed(mut preview: Preview) -> Preview {
    match &mut preview {
        Preview::Text(text) => dress(&mut text.code),
        Preview::Notebook(cells) => {
            for cell in cells {
                if let Cell::Code { code, .. } = cell {
                    dress(code);
                }
            }
        }
        _ => {}
    }
    preview
}

fn dress(code: &mut Code) {
    code.html = highlight::html(&code.text, &code.language);
    code.text.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::preview::Text;

    #[test]
    fn code_becomes_html_and_nothing_in_it_markup() {
        let code = Code { text: "<script>alert(1)</script>".into(), language: "txt".into(), html: String::new() };
        let Preview::Text(text) = dressed(Preview::Text(Text { code, lines: 1, cut: false })) else { panic!("a text") };
        assert!(!text.code.html.contains("<script") && text.code.text.is_empty(), "{text:?}");
    }
}
