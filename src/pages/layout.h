// What all pages have in common: their HTML, their look, their headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/response.h"
#include "pages/csrf_guard.h"
#include "pages/texts.h"

namespace mbr::pages {

// `text` as it may stand in an element, or in an attribute between double quotes: it shows as it is
// and is never markup. The one place where foreign text becomes HTML.
std::string escaped(std::string_view text);

struct Input {
  enum class Kind { kEmail, kPassword };
  Kind kind = Kind::kEmail;
  std::string_view name;          // letters; also the element's id
  Text label = Text::kEmail;      // shown, and tied to the input
  std::string_view autocomplete;  // what a password manager goes by: "username", "new-password"
  std::string value;              // what was typed before; never a password
};

struct Form {
  std::string_view action;  // a path of ours
  Text button = Text::kLoginButton;
  std::vector<Input> inputs{};  // the first one that is empty has the focus
  std::vector<std::pair<std::string_view, std::string>> hidden{};  // by name
};

struct Link {
  std::string_view path;
  Text text = Text::kLoginTitle;
};

// One page, from top to bottom.
struct View {
  int status = 200;
  Text title = Text::kLoginTitle;
  std::optional<Text> alert{};  // the sentence that a visitor must not miss; read out at once
  std::optional<Text> intro{};
  std::optional<Form> form{};
  std::optional<Link> link{};
};

// A page with a look and a body of its own.
struct Document {
  int status = 200;
  Text title = Text::kStatusTitle;
  std::string head{};  // HTML: style sheets and scripts
  std::string body{};  // HTML
  std::string securityPolicy{};
};

// ` name="value"`, or nothing for an empty value.
std::string attribute(std::string_view name, std::string_view value);
// What a form sends along unseen.
std::string hiddenInput(std::string_view name, std::string_view value);

// Immutable.
class Layout {
 public:
  explicit Layout(Texts texts);

  // A page that works without JavaScript, on a phone, by keyboard and screen reader, light or dark
  // as the visitor has it. It loads nothing, may be framed by nobody, leaves no referrer and is
  // kept in no cache.
  http::Response page(const View& view) const;
  // The same with a form in it that holds the seal's token.
  http::Response page(const View& view, const CsrfSeal& seal) const;

  // Head and body in the site's language; no cache keeps it, and it leaves no referrer.
  http::Response document(const Document& document, const CsrfSeal& seal) const;

  const std::string& words(Text text) const { return texts_[text]; }
  std::string text(Text text) const { return escaped(texts_[text]); }  // in HTML

  // 303 to a value of http::siteTarget() or a path of ours, kept in no cache either.
  static http::Response redirect(std::string target);

 private:
  http::Response document(const Document& document) const;
  std::string contentOf(const View& view) const;
  std::string formOf(const Form& form, std::string_view describedBy) const;
  std::string inputOf(const Input& input, std::string_view describedBy, bool hasFocus) const;

  const Texts texts_;
  const std::string securityPolicy_;
};

}  // namespace mbr::pages
