// The HTML of the status page.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/response.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"
#include "pages/status_assets.h"
#include "pages/status_board.h"
#include "pages/status_facts.h"

namespace mbr::pages {

// Pages that are whole without JavaScript: every number is in a table or a list. The script draws
// charts and keeps the numbers young. Nothing is inline, nothing comes from elsewhere. Immutable.
class StatusView {
 public:
  // Both must outlive the view.
  StatusView(const Layout& layout, const StatusAssets& assets);

  // `notice`: what became of the operator's last click.
  http::Response board(const StatusBoard& board, const Span& span, std::optional<Text> notice,
                       const CsrfSeal& seal) const;

  // What a search found; nothing if it names nobody. `asked`: what was typed.
  http::Response contact(const std::optional<ContactFile>& file, std::string_view asked,
                         const CsrfSeal& seal) const;

 private:
  std::string header(const CsrfSeal& seal) const;
  std::string concerns(const StatusBoard& board) const;
  std::string now(const StatusBoard& board, const Facts& facts) const;
  std::string sums(const Facts& facts) const;
  std::string charts(const Span& span) const;
  std::string lanes(const Facts& facts) const;
  std::string gaps(const StatusBoard& board) const;
  std::string deadJobs(const StatusBoard& board, const CsrfSeal& seal) const;
  std::string search(std::string_view asked, const CsrfSeal& seal) const;
  std::string cached(const ContactFile& file) const;
  std::string why(const members::Diagnosis& diagnosis) const;
  std::string timeline(const ContactFile& file) const;

  const Layout& layout_;
  const std::string boardHead_;
  const std::string contactHead_;
};

}  // namespace mbr::pages
