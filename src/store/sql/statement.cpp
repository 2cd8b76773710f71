#include "store/sql/statement.h"

#include <Poco/Data/AbstractBinding.h>
#include <Poco/Data/AbstractExtraction.h>
#include <Poco/Data/MetaColumn.h>
#include <Poco/Data/Preparation.h>
#include <Poco/Data/SQLite/Binder.h>
#include <Poco/Data/SQLite/Extractor.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Data/StatementImpl.h>
#include <sqlite3.h>

#include "store/store.h"

namespace mbr::store::sql {

Argument::Argument(const Bytes& bytes) {
  if (bytes.value.empty()) return;
  held_.emplace<Poco::Data::BLOB>(reinterpret_cast<const unsigned char*>(bytes.value.data()),
                                  bytes.value.size());
}

void Argument::bind(Poco::Data::AbstractBinder& binder, std::size_t position) const {
  constexpr auto kIn = Poco::Data::AbstractBinder::PD_IN;
  const auto bindText = [&](const std::string& text) {
    if (text.find('\0') != std::string::npos) {
      throw Failed(Error{Code::kInvalid, "text for the store holds a NUL"});
    }
    binder.bind(position, text, kIn);
  };
  if (const auto* number = std::get_if<Int>(&held_)) {
    binder.bind(position, *number, kIn);
  } else if (const auto* borrowed = std::get_if<const std::string*>(&held_)) {
    bindText(**borrowed);
  } else if (const auto* text = std::get_if<std::string>(&held_)) {
    bindText(*text);
  } else if (const auto* blob = std::get_if<Poco::Data::BLOB>(&held_)) {
    binder.bind(position, *blob, kIn);
  } else {
    binder.bind(position, Poco::NULL_GENERIC, kIn);
  }
}

std::optional<std::int64_t> Row::maybeInteger() {
  Poco::Int64 value = 0;
  if (!extractor_.extract(column_++, value)) return std::nullopt;
  return value;
}

std::optional<Instant> Row::maybeInstant() {
  const auto ms = maybeInteger();
  if (!ms) return std::nullopt;
  return fromEpochMs(*ms);
}

std::string Row::text() {
  std::string value;
  extractor_.extract(column_++, value);
  return value;
}

std::string Row::bytes() {
  Poco::Data::BLOB value;
  if (!extractor_.extract(column_++, value)) return {};
  return {reinterpret_cast<const char*>(value.rawContent()), value.size()};
}

// All arguments of a statement as one binding, set anew for each run.
class Statement::Binding final : public Poco::Data::AbstractBinding {
 public:
  void set(const Arguments& arguments) { arguments_ = arguments; }

  std::size_t numOfColumnsHandled() const override { return arguments_.size(); }
  std::size_t numOfRowsHandled() const override { return 1; }
  bool canBind() const override { return !bound_; }
  void reset() override { bound_ = false; }
  void bind(std::size_t position) override {
    auto binder = getBinder();
    for (const Argument& argument : arguments_) argument.bind(*binder, position++);
    bound_ = true;
  }

 private:
  Arguments arguments_;
  bool bound_ = false;
};

// All columns of a row as one extraction, handed to a function.
class Statement::Rows final : public Poco::Data::AbstractExtraction {
 public:
  void set(const RowFn* onRow) { onRow_ = onRow; }

  std::size_t numOfColumnsHandled() const override { return 1; }
  std::size_t numOfRowsHandled() const override { return 1; }
  std::size_t numOfRowsAllowed() const override { return getLimit(); }
  std::size_t extract(std::size_t column) override {
    if (onRow_ != nullptr && *onRow_) {
      Row row(*getExtractor(), column);
      (*onRow_)(row);
    }
    return 1;
  }
  Poco::Data::AbstractPreparation::Ptr createPreparation(PreparatorPtr& preparator,
                                                         std::size_t column) override {
    return new Poco::Data::Preparation<Poco::Int64>(preparator, column, unused_);
  }

 private:
  const RowFn* onRow_ = nullptr;
  Poco::Int64 unused_ = 0;  // SQLite's connector prepares nothing
};

// Poco asks for a compiled statement before every run and gets the one it had.
class Statement::Prepared final : public Poco::Data::StatementImpl {
 public:
  Prepared(Poco::Data::Session& session, const char* sql)
      : StatementImpl(*session.impl()), handle_(Lite::dbHandle(session)) {
    add(sql);
    const int code =
        sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
    if (code != SQLITE_OK) Lite::throwException(handle_, code, Lite::lastError(handle_));
    binder_ = new Poco::Data::SQLite::Binder(statement_);
    extractor_ = new Poco::Data::SQLite::Extractor(statement_);
  }
  ~Prepared() override { sqlite3_finalize(statement_); }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

 protected:
  std::size_t columnsReturned() const override {
    return static_cast<std::size_t>(sqlite3_column_count(statement_));
  }
  int affectedRowCount() const override { return changed_; }
  const Poco::Data::MetaColumn& metaColumn(std::size_t) const override {
    throw Poco::NotImplementedException("columns are read by position");
  }
  bool canBind() const override { return false; }
  bool canCompile() const override { return false; }
  void compileImpl() override {}
  Poco::Data::AbstractExtraction::ExtractorPtr extractor() override { return extractor_; }
  Poco::Data::AbstractBinding::BinderPtr binder() override { return binder_; }

  void bindImpl() override {
    sqlite3_reset(statement_);
    stepped_ = false;
    changed_ = 0;
    std::size_t position = 1;
    for (auto& binding : bindings()) {
      binding->bind(position);
      position += binding->numOfColumnsHandled();
    }
    if (position != static_cast<std::size_t>(sqlite3_bind_parameter_count(statement_)) + 1) {
      Lite::throwException(handle_, SQLITE_RANGE, "wrong number of arguments");
    }
  }

  bool hasNext() override {
    if (stepped_) return true;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return stepped_ = true;
    if (code != SQLITE_DONE) Lite::throwException(handle_, code, Lite::lastError(handle_));
    if (sqlite3_stmt_readonly(statement_) == 0) changed_ = sqlite3_changes(handle_);
    return false;
  }

  std::size_t next() override {
    extractor_->reset();
    std::size_t position = 0;
    for (auto& extraction : extractions()) {
      extraction->extract(position);
      position += extraction->numOfColumnsHandled();
    }
    stepped_ = false;
    return 1;
  }

 private:
  using Lite = Poco::Data::SQLite::Utility;

  sqlite3* handle_;
  sqlite3_stmt* statement_ = nullptr;
  Poco::Data::AbstractBinding::BinderPtr binder_;
  Poco::Data::AbstractExtraction::ExtractorPtr extractor_;
  bool stepped_ = false;  // a row waits to be read
  int changed_ = 0;
};

Statement::Statement(Poco::Data::Session& session, const char* sql)
    : prepared_(std::make_unique<Prepared>(session, sql)), binding_(new Binding), rows_(new Rows) {
  prepared_->addBind(binding_);
  prepared_->addExtract(rows_);
}

Statement::~Statement() = default;

std::size_t Statement::run(const Arguments& arguments, const RowFn& onRow) {
  binding_->set(arguments);
  rows_->set(&onRow);
  prepared_->reset();
  const std::size_t count = prepared_->execute();
  binding_->set({});
  rows_->set(nullptr);
  return count;
}

}  // namespace mbr::store::sql
