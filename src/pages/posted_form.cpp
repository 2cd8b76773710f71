#include "pages/posted_form.h"

#include <utility>

namespace mbr::pages {

PostedForm::PostedForm(const http::Request& request, const CsrfGuard& csrf)
    : seal_(csrf.seal(request)) {
  const bool isWhole = request.bodyState == http::Request::BodyState::kComplete;
  if (!isWhole || request.mediaType() != "application/x-www-form-urlencoded") {
    refusal_ = 400;
    return;
  }
  auto form = http::parseForm(request.body);
  if (!form) {
    refusal_ = 400;
    return;
  }
  form_ = *std::move(form);
  if (!csrf.accepts(request, form_)) refusal_ = 403;
}

std::string_view PostedForm::text(std::string_view name) const {
  const auto* found = form_.find(name);
  return found != nullptr ? std::string_view(*found) : std::string_view();
}

}  // namespace mbr::pages
