#include "pages/status_view.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/time_format.h"
#include "pages/paths.h"

namespace mbr::pages {
namespace {

constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

struct Labelled {
  const char* name;
  Text label;
};

constexpr Labelled kNowRows[] = {{"account", Text::kStatusAccount},
                                 {"frozen_until", Text::kStatusFrozen},
                                 {"gaps", Text::kStatusGaps},
                                 {"dead_jobs", Text::kStatusDead},
                                 {"open_jobs", Text::kStatusJobs},
                                 {"contacts", Text::kStatusContacts},
                                 {"last_automation", Text::kStatusLastAutomation},
                                 {"last_event", Text::kStatusLastEvent},
                                 {"last_pass", Text::kStatusLastPass},
                                 {"started_at", Text::kStatusSince},
                                 {"version", Text::kStatusVersion}};

constexpr Labelled kSumRows[] = {{"webhooks.received", Text::kStatusReceived},
                                 {"webhooks.shed", Text::kStatusShed},
                                 {"webhooks.repaired", Text::kStatusRepaired},
                                 {"requests.sent", Text::kStatusRequests},
                                 {"requests.too_many", Text::kStatusTooMany},
                                 {"logins.admitted", Text::kStatusAdmitted},
                                 {"logins.wrong", Text::kStatusWrong},
                                 {"logins.not_entitled", Text::kStatusNotEntitled},
                                 {"logins.throttled", Text::kStatusThrottled},
                                 {"logins.busy", Text::kStatusBusy},
                                 {"logins.unavailable", Text::kStatusUnavailable},
                                 {"logins.p50", Text::kStatusMedian},
                                 {"logins.p99", Text::kStatusSlowest}};

constexpr Labelled kSumColumns[] = {
    {"hour", Text::kStatusHour}, {"day", Text::kStatusDay}, {"week", Text::kStatusWeek}};

constexpr Text kSpanLabels[] = {Text::kStatusHours, Text::kStatusDay, Text::kStatusWeek,
                                Text::kStatusQuarter};

// `kind`: how the script draws it. `unit`: what it does to the numbers before.
struct Chart {
  Text title;
  const char* kind;
  const char* unit;
  std::vector<Labelled> lines;
};

const std::vector<Chart>& chartsShown() {
  static const auto& kCharts = *new std::vector<Chart>{
      {Text::kStatusWebhooksChart,
       "bars",
       "",
       {{"webhooks.received", Text::kStatusReceived},
        {"webhooks.shed", Text::kStatusShed},
        {"webhooks.repaired", Text::kStatusRepaired}}},
      {Text::kStatusBudgetChart,
       "lines",
       "second",
       {{"requests.sent", Text::kStatusSent},
        {"requests.too_many", Text::kStatusTooMany},
        {"limit", Text::kStatusAllowed}}},
      {Text::kStatusQueueChart, "areas", "", {}},  // lanes, by their own names
      {Text::kStatusTroubleChart,
       "steps",
       "",
       {{"gaps.open", Text::kStatusGaps}, {"jobs.dead", Text::kStatusDead}}},
      {Text::kStatusLoginsChart,
       "bars",
       "",
       {{"logins.admitted", Text::kStatusAdmitted},
        {"logins.wrong", Text::kStatusWrong},
        {"logins.not_entitled", Text::kStatusNotEntitled},
        {"logins.throttled", Text::kStatusThrottled},
        {"logins.busy", Text::kStatusBusy},
        {"logins.unavailable", Text::kStatusUnavailable}}},
      {Text::kStatusLatencyChart,
       "lines",
       "",
       {{"logins.p50", Text::kStatusHalf}, {"logins.p99", Text::kStatusMost}}}};
  return kCharts;
}

std::string headOf(const StatusAssets& assets, bool withScripts) {
  std::string head =
      "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"stylesheet\"" +
      attribute("href", assets.stylePath()) + ">\n";
  if (!withScripts) return head;
  head += "<script defer" + attribute("src", kChartLibraryPath) + "></script>\n";
  return head + "<script defer" + attribute("src", assets.scriptPath()) + "></script>\n";
}

std::string cell(std::string_view content) { return "<td>" + std::string(content) + "</td>"; }

// To the second: 2026-01-31 09:30:05 UTC.
std::string timeElement(Instant instant) {
  const std::string time = formatRfc3339(instant);
  return "<time" + attribute("datetime", time) + ">" + time.substr(0, 10) + " " +
         time.substr(11, 8) + " UTC</time>";
}

// An element that the script keeps young.
std::string factElement(const Facts& facts, const std::string& name) {
  const auto found = facts.find(name);
  if (found == facts.end()) return "<span" + attribute("data-fact", name) + ">–</span>";
  const Fact& fact = found->second;
  const std::string time =
      fact.isTime ? " data-time=\"" + (fact.time ? formatRfc3339(*fact.time) : "") + "\"" : "";
  return "<span" + attribute("data-fact", name) + time + ">" + escaped(fact.text) + "</span>";
}

std::string form(const std::string& action, const CsrfSeal& seal, const std::string& content) {
  return R"(<form method="post")" + attribute("action", kStatusPath + action) + ">" +
         hiddenInput(kCsrfField, seal.token) + content + "</form>";
}

// Wide tables scroll by themselves, also by keyboard.
std::string table(const std::string& caption, const std::vector<std::string>& heads,
                  const std::string& rows) {
  std::string out = "<div class=\"scroll\" tabindex=\"0\" role=\"region\"" +
                    (" aria-label=\"" + caption + "\"") + "><table>\n<thead><tr>";
  for (const auto& head : heads) out += "<th scope=\"col\">" + head + "</th>";
  return out + "</tr></thead>\n<tbody>\n" + rows + "</tbody>\n</table></div>\n";
}

std::string section(const char* id, const std::string& title, const std::string& content) {
  return "<section" + attribute("id", id) + ">\n<h2>" + title + "</h2>\n" + content +
         "</section>\n";
}

std::string textOf(const json::Value& value) {
  if (value.isNull()) return "";
  if (const bool* flag = value.asBool()) return *flag ? "true" : "false";
  if (value.asArray() != nullptr || value.asObject() != nullptr) return json::write(value);
  return value.textOr("");
}

// One row a member; of tags their names, of fields each its own.
void addRows(std::string& rows, const std::string& name, const json::Value& value) {
  const auto row = [&](const std::string& label, const std::string& text) {
    rows += "<tr><th scope=\"row\">" + escaped(label) + "</th>" + cell(escaped(text)) + "</tr>\n";
  };
  if (const auto* object = value.asObject()) {
    for (const auto& [key, inner] : object->members()) {
      std::string label = name;
      row(label.append(".").append(key), textOf(inner));
    }
  } else if (const auto* array = value.asArray()) {
    std::string text;
    for (const auto& item : *array) {
      const std::string known = textOf(item["name"]);
      text += (text.empty() ? "" : ", ") + (known.empty() ? textOf(item["id"]) : known);
    }
    row(name, text);
  } else {
    row(name, textOf(value));
  }
}

std::string keyOf(const std::string& series, const std::string& label) {
  return "<li" + attribute("data-series", series) + ">" + label + "</li>\n";
}

std::string figureOf(const Chart& chart, const Layout& layout) {
  const std::string name = layout.text(chart.title);
  std::string out = "<figure" + attribute("data-kind", chart.kind) +
                    attribute("data-unit", chart.unit) + ">\n<figcaption>" + name +
                    "</figcaption>\n<div class=\"plot\"><canvas role=\"img\" aria-label=\"" + name +
                    "\"></canvas></div>\n<ul class=\"keys\">\n";
  for (const auto& [series, label] : chart.lines) out += keyOf(series, layout.text(label));
  for (int lane = 0; chart.lines.empty() && lane < kLaneCount; ++lane) {
    const std::string line(toString(static_cast<Lane>(lane)));
    out += keyOf(series::kQueue + line, line);
  }
  return out + "</ul>\n</figure>\n";
}

std::string deadRow(const Job& job, const CsrfSeal& seal, const std::string& retry) {
  const std::string id = std::to_string(job.id);
  const std::string button =
      "<button aria-label=\"" + retry + ": " + id + "\">" + retry + "</button>";
  return "<tr><th scope=\"row\">" + id + "</th>" + cell(escaped(job.kind)) +
         cell(form("/retry", seal, hiddenInput("job", id) + button)) + cell(escaped(job.reason)) +
         cell(std::to_string(job.attempts)) + cell(timeElement(job.endedAt)) + "</tr>\n";
}

}  // namespace

StatusView::StatusView(const Layout& layout, const StatusAssets& assets)
    : layout_(layout), boardHead_(headOf(assets, true)), contactHead_(headOf(assets, false)) {}

http::Response StatusView::board(const StatusBoard& board, const Span& span,
                                 std::optional<Text> notice, const CsrfSeal& seal) const {
  const Facts facts = factsOf(board, layout_);
  std::string body = header(seal) + "<main id=\"status\"" + attribute("data-span", span.name) +
                     attribute("data-source", std::string(kStatusPath) + "/data") + ">\n";
  if (notice) body += "<p class=\"notice\" role=\"status\">" + layout_.text(*notice) + "</p>\n";
  body += concerns(board) + now(board, facts) + sums(facts) + charts(span) + lanes(facts) +
          gaps(board) + deadJobs(board, seal) + search("", seal) + "</main>\n";
  return layout_.document({200, Text::kStatusTitle, boardHead_, std::move(body), kPolicy}, seal);
}

http::Response StatusView::contact(const std::optional<ContactFile>& file, std::string_view asked,
                                   const CsrfSeal& seal) const {
  std::string body = header(seal) + "<main>\n<p><a" + attribute("href", kStatusPath) + ">" +
                     layout_.text(Text::kStatusBack) + "</a></p>\n" + search(asked, seal);
  const bool isKnown = file && file->contact;
  const bool hasLeftTraces = file && !file->timeline.empty();
  if (!isKnown && !hasLeftTraces) {
    body += "<p class=\"notice\" role=\"status\">" + layout_.text(Text::kStatusUnknown) + "</p>\n";
  }
  if (file) body += why(file->diagnosis);
  if (isKnown) body += cached(*file);
  if (isKnown || hasLeftTraces) body += timeline(*file);
  body += "</main>\n";
  return layout_.document(
      {isKnown ? 200 : 404, Text::kStatusTitle, contactHead_, std::move(body), kPolicy}, seal);
}

std::string StatusView::header(const CsrfSeal& seal) const {
  const std::string site = layout_.text(Text::kSiteName);
  return "<header>\n<div>" + (site.empty() ? "" : "<p class=\"site\">" + site + "</p>\n") + "<h1>" +
         layout_.text(Text::kStatusTitle) + "</h1></div>\n" +
         form("/logout", seal,
              "<button class=\"quiet\">" + layout_.text(Text::kLogoutButton) + "</button>") +
         "\n</header>\n";
}

std::string StatusView::concerns(const StatusBoard& board) const {
  const auto shown = concernsOf(board);
  std::string out = "<div class=\"concerns\" role=\"status\">\n";
  for (const Concern& concern : kConcerns) {
    const bool isShown = std::find(shown.begin(), shown.end(), concern.name) != shown.end();
    out += "<p" + attribute("class", concern.isGood ? "good" : "bad") +
           attribute("data-concern", concern.name) + (isShown ? ">" : " hidden>") +
           layout_.text(concern.sentence) + "</p>\n";
  }
  return out + "<p class=\"bad\" id=\"stale\" hidden>" + layout_.text(Text::kStatusStale) +
         "</p>\n</div>\n";
}

std::string StatusView::now(const StatusBoard& board, const Facts& facts) const {
  std::string list = "<dl class=\"tiles\">\n";
  for (const auto& [name, label] : kNowRows) {
    if (name == std::string_view("frozen_until") && !board.frozenUntil) continue;
    list += "<div><dt>" + layout_.text(label) + "</dt><dd>" + factElement(facts, name) +
            "</dd></div>\n";
  }
  return section("now", layout_.text(Text::kStatusNow), list + "</dl>\n");
}

std::string StatusView::sums(const Facts& facts) const {
  std::vector<std::string> heads{layout_.text(Text::kStatusWhat)};
  for (const auto& column : kSumColumns) heads.push_back(layout_.text(column.label));
  std::string rows;
  for (const auto& [name, label] : kSumRows) {
    rows += "<tr><th scope=\"row\">" + layout_.text(label) + "</th>";
    for (const auto& column : kSumColumns) {
      rows += cell(factElement(facts, std::string(column.name) + "." + name));
    }
    rows += "</tr>\n";
  }
  const std::string title = layout_.text(Text::kStatusSums);
  return section("sums", title, table(title, heads, rows));
}

std::string StatusView::charts(const Span& span) const {
  const std::string title = layout_.text(Text::kStatusOverTime);
  std::string out = "<nav aria-label=\"" + title + "\"><ul class=\"spans\">\n";
  for (std::size_t i = 0; i < std::size(kSpans); ++i) {
    const bool isThis = kSpans[i].name == std::string_view(span.name);
    out += "<li><a" +
           attribute("href", std::string(kStatusPath) + "?range=" + kSpans[i].name + "#over-time") +
           (isThis ? " aria-current=\"true\">" : ">") + layout_.text(kSpanLabels[i]) +
           "</a></li>\n";
  }
  out += "</ul></nav>\n<noscript><p class=\"notice\">" + layout_.text(Text::kStatusNoScript) +
         "</p></noscript>\n<p class=\"notice\" id=\"no-library\" hidden>" +
         layout_.text(Text::kStatusNoLibrary) + "</p>\n<div class=\"charts\" hidden>\n";
  for (const Chart& chart : chartsShown()) out += figureOf(chart, layout_);
  return section("over-time", title, out + "</div>\n");
}

std::string StatusView::lanes(const Facts& facts) const {
  constexpr Labelled kStates[] = {{"waiting", Text::kStatusWaiting},
                                  {"queued", Text::kStatusQueued},
                                  {"running", Text::kStatusRunning},
                                  {"dead", Text::kStatusDead}};
  std::vector<std::string> heads{layout_.text(Text::kStatusLane)};
  for (const auto& state : kStates) heads.push_back(layout_.text(state.label));
  std::string rows;
  for (int i = 0; i < kLaneCount; ++i) {
    const std::string lane(toString(static_cast<Lane>(i)));
    rows += "<tr><th scope=\"row\">" + lane + "</th>";
    for (const auto& state : kStates) {
      rows += cell(factElement(facts, "lane." + lane + "." + state.name));
    }
    rows += "</tr>\n";
  }
  const std::string title = layout_.text(Text::kStatusLanes);
  return section("lanes", title, table(title, heads, rows));
}

std::string StatusView::gaps(const StatusBoard& board) const {
  const std::string title = layout_.text(Text::kStatusGaps);
  if (board.gaps.empty()) {
    return section("gaps", title, "<p>" + layout_.text(Text::kStatusNone) + "</p>\n");
  }
  std::string rows;
  for (const Gap& gap : board.gaps) {
    rows += "<tr><th scope=\"row\">" + escaped(gap.why) + "</th>" + cell(timeElement(gap.from)) +
            cell(timeElement(gap.openedAt)) + "</tr>\n";
  }
  return section("gaps", title,
                 table(title,
                       {layout_.text(Text::kStatusGapWhy), layout_.text(Text::kStatusGapFrom),
                        layout_.text(Text::kStatusGapOpened)},
                       rows));
}

std::string StatusView::deadJobs(const StatusBoard& board, const CsrfSeal& seal) const {
  const std::string title = layout_.text(Text::kStatusDead);
  if (board.deadJobs.empty()) {
    return section("dead", title, "<p>" + layout_.text(Text::kStatusNone) + "</p>\n");
  }
  const std::string retry = layout_.text(Text::kStatusRetry);
  std::string rows;
  for (const Job& job : board.deadJobs) rows += deadRow(job, seal, retry);
  return section("dead", title,
                 table(title,
                       {layout_.text(Text::kStatusJob), layout_.text(Text::kStatusKind), retry,
                        layout_.text(Text::kStatusReason), layout_.text(Text::kStatusTries),
                        layout_.text(Text::kStatusEnded)},
                       rows));
}

std::string StatusView::search(std::string_view asked, const CsrfSeal& seal) const {
  return section(
      "search", layout_.text(Text::kStatusSearch),
      form("/contact", seal,
           "<label for=\"who\">" + layout_.text(Text::kStatusWho) +
               "</label>\n<div class=\"field\"><input id=\"who\" name=\"who\" type=\"text\" "
               "inputmode=\"email\" autocapitalize=\"none\" spellcheck=\"false\" "
               "autocomplete=\"off\"" +
               attribute("value", asked) + " required>\n<button>" +
               layout_.text(Text::kStatusLookUp) + "</button></div>") +
          "\n");
}

std::string StatusView::cached(const ContactFile& file) const {
  std::string rows;
  for (const auto& [name, value] : file.contact->members()) addRows(rows, name, value);
  rows +=
      "<tr><th scope=\"row\">" + layout_.text(Text::kStatusCredential) + "</th>" +
      cell(layout_.text(file.hasPassword ? Text::kStatusHasPassword : Text::kStatusNoPassword)) +
      "</tr>\n";
  const std::string title = layout_.text(Text::kStatusCached);
  const std::string deleted =
      file.deleted ? "<p class=\"bad\">" + layout_.text(Text::kStatusDeleted) + "</p>\n" : "";
  return section(
      "contact", title,
      deleted +
          table(title, {layout_.text(Text::kStatusName), layout_.text(Text::kStatusValue)}, rows));
}

std::string StatusView::why(const members::Diagnosis& diagnosis) const {
  const members::Verdict& verdict = diagnosis.verdict;
  std::string rows;
  for (const members::Finding& finding : diagnosis.findings) {
    const std::string mark(toString(finding.mark));
    rows += "<tr><td" + attribute("class", mark) + ">" + escaped(mark) + "</td>" +
            cell(escaped(finding.check)) +
            cell(escaped(finding.what) + (finding.at ? " " + timeElement(*finding.at) : "")) +
            "</tr>\n";
  }
  const std::string title = layout_.text(Text::kStatusWhy);
  return section("why", title,
                 "<p" + attribute("class", verdict.mayLogIn() ? "good" : "bad") +
                     attribute("data-verdict", verdict.code) + ">" + escaped(verdict.sentence) +
                     "</p>\n<p>" + escaped(verdict.cure) + "</p>\n" +
                     table(title,
                           {layout_.text(Text::kStatusMark), layout_.text(Text::kStatusCheck),
                            layout_.text(Text::kStatusWhat)},
                           rows));
}

std::string StatusView::timeline(const ContactFile& file) const {
  std::string rows;
  for (const auto& entry : file.timeline) {
    rows += "<tr>" + cell(timeElement(entry.at)) + cell(escaped(entry.kind)) +
            cell(escaped(entry.what)) + "</tr>\n";
  }
  const std::string title = layout_.text(Text::kStatusTimeline);
  if (rows.empty()) {
    return section("timeline", title, "<p>" + layout_.text(Text::kStatusNone) + "</p>\n");
  }
  return section("timeline", title,
                 table(title,
                       {layout_.text(Text::kStatusWhen), layout_.text(Text::kStatusKind),
                        layout_.text(Text::kStatusWhat)},
                       rows));
}

}  // namespace mbr::pages
