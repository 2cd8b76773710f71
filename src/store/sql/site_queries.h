// What is known of the account and of this installation: directories, budget, meta.
#pragma once

#include "store/sql/change_log.h"

namespace mbr::store::sql {

std::vector<NamedId> listDirectory(Connection& db, Directory directory);
void saveDirectory(Connection& db, ChangeLog& log, Directory directory,
                   const std::vector<NamedId>& rows, Instant now);
std::vector<FieldRecord> listFields(Connection& db);
void saveFields(Connection& db, ChangeLog& log, const std::vector<FieldRecord>& rows, Instant now);

BudgetRecord loadBudget(Connection& db);
void saveBudget(Connection& db, const BudgetRecord& budget);

std::optional<std::string> findMeta(Connection& db, std::string_view key);
void setMeta(Connection& db, std::string_view key, std::string_view value);

}  // namespace mbr::store::sql
