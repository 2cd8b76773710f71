// A form that a browser sends to one of the pages.
#pragma once

#include <string_view>

#include "http/form.h"
#include "http/request.h"
#include "pages/csrf_guard.h"

namespace mbr::pages {

class PostedForm {
 public:
  PostedForm(const http::Request& request, const CsrfGuard& csrf);

  // 0 if the form may be acted on. Otherwise the status to show it again with: 400 (no form, or
  // not whole), 403 (none of our pages sent it).
  int refusal() const { return refusal_; }

  // The field's text, "" if it is absent; UTF-8 without NUL, of any length. Points into the form.
  std::string_view text(std::string_view name) const;

  // For the form that the answer shows.
  const CsrfSeal& seal() const { return seal_; }

 private:
  http::Form form_;
  CsrfSeal seal_;
  int refusal_ = 0;
};

}  // namespace mbr::pages
