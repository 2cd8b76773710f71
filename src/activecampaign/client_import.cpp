#include "activecampaign/client.h"
#include "activecampaign/replies.h"

// Bulk imports, call by call.
namespace mbr::activecampaign {
namespace {

constexpr std::size_t kMaxImportBytes = 400000;
// The importer takes about 100 requests a minute: by then a third of them is free again.
constexpr std::chrono::seconds kImportPause{20};

void appendTexts(std::string& body, const char* name, const std::vector<std::string>& texts) {
  json::appendString(body, name);
  body += ":[";
  for (const std::string& each : texts) {
    if (body.back() != '[') body += ',';
    json::appendString(body, each);
  }
  body += ']';
}

void appendRow(std::string& body, const ImportRow& row) {
  body += R"({"email":)";
  json::appendString(body, row.email);
  if (!row.fields.empty()) {
    body += R"(,"fields":[)";
    for (const auto& [field, value] : row.fields) {
      if (body.back() != '[') body += ',';
      body += R"({"id":)" + std::to_string(field) + R"(,"value":)";
      json::appendString(body, value.reveal());
      body += '}';
    }
    body += ']';
  }
  if (!row.tags.empty()) {
    body += ',';
    appendTexts(body, "tags", row.tags);
  }
  body += '}';
}

// Text for the same reason, and in place from the start: a string that grows leaves its bytes
// behind. Nothing if it is too long.
std::optional<std::string> importBody(const std::vector<ImportRow>& rows) {
  std::size_t texts = 0;
  std::size_t parts = 1;
  for (const ImportRow& row : rows) {
    texts += row.email.size();
    parts += 1 + row.fields.size() + row.tags.size();
    for (const auto& each : row.fields) texts += each.second.size();
    for (const std::string& each : row.tags) texts += each.size();
  }
  if (texts >= kMaxImportBytes) return std::nullopt;
  std::string body;
  body.reserve(kLongestEscape * texts + kKeysOfAPart * parts);
  body += R"({"contacts":[)";
  for (const ImportRow& row : rows) {
    if (body.back() != '[') body += ',';
    appendRow(body, row);
  }
  body += "]}";
  if (body.size() < kMaxImportBytes) return body;
  wipe(body);
  return std::nullopt;
}

}  // namespace

Result<std::string> Client::importContacts(const Call& call, const std::vector<ImportRow>& rows) {
  if (rows.empty() || rows.size() > std::size_t{kImportSize}) {
    return Error{Code::kInvalid, "an import is of 1 to 250 contacts"};
  }
  auto body = importBody(rows);
  if (!body) return Error{Code::kInvalid, "the import is longer than 400000 bytes"};
  Request request{"POST", "import/bulk_import"};
  request.body = std::move(*body);
  for (const ImportRow& row : rows) {
    request.ours.push_back(row.email);
    for (const auto& each : row.fields) request.ours.push_back(each.second.reveal());
  }
  const Result<Reply> reply = exchange_.send(call, request);
  std::optional<Error> refused;
  if (reply) {
    const json::Value& flag = reply->body[reply->body["success"].isNull() ? "Success" : "success"];
    const std::string success = flag.textOr("");
    if (!reply->success() || success == "0" || success == "false")
      refused = refusal(*reply, request);
  }
  wipe(request.body);
  for (std::string& each : request.ours) wipe(each);
  if (!reply) return reply.error();
  if (refused) {
    if (saysRequestLimit(reply->body)) {
      *refused = Error{Code::kBusy, std::move(refused->detail), kImportPause};
    } else if (refused->code != Code::kUnavailable) {
      refused->code = Code::kInvalid;  // "already" and "not found" are of rows in it
    }
    return *refused;
  }
  const std::string* batch = reply->body["batchId"].asString();
  if (batch == nullptr || batch->empty()) return unreadable("the import has no batch id");
  return *batch;
}

Result<std::int64_t> Client::countOutstandingImports(const Call& call) {
  Request request{"GET", "import/bulk_import"};
  request.repeatable = true;
  const Result<Reply> reply = exchange_.ask(call, request);
  if (!reply) return reply.error();
  const auto contacts = readOutstanding(reply->body);
  if (!contacts) return unreadable("outstanding imports cannot be read");
  return *contacts;
}

Result<ImportInfo> Client::readImport(const Call& call, const std::string& batch) {
  Request request{"GET", "import/info", {{"batchId", batch}}};
  request.repeatable = true;
  const Result<Reply> reply = exchange_.ask(call, request);
  if (!reply) return reply.error();
  auto info = readImportInfo(reply->body);
  if (!info) return unreadable("the import cannot be read");
  return std::move(*info);
}

}  // namespace mbr::activecampaign
