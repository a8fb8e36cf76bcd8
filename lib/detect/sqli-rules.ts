import { rulesOf } from './rules.ts'

export const rule = rulesOf('sqli', {
  union: [1, 5, 'UNION and a SELECT list', '1 UNION SELECT 1,2,3', 'the union select committee met'],
  select: [1, 5, 'SELECT with a column list, FROM a table', 'SELECT name,pass FROM users', 'please select a plan from the list below'],
  subselect: [1, 5, 'SELECT in parentheses', '1 and (select 1 from users)', 'the plan (select one) is free'],
  tautology: [1, 5, 'OR or AND with a comparison of constants', "1' or '1'='1", 'a = b or c = d'],
  breakout: [1, 5, 'a quote that ends the string, then a condition', "x' or name like 'a", "rock 'n' roll or jazz"],
  comment: [1, 5, 'a quote that ends the string, then a comment that hides the rest', "admin'--", "it's 5 -- or 6"],
  operator: [1, 5, 'a string left and entered again around operators', "1'||'2'||'3", "'a' + 'b'"],
  stacked: [1, 5, 'a second statement after a semicolon', '1; DROP TABLE users', 'wash; drop the table off'],
  statement: [1, 5, 'a statement that changes data, as the value', 'DROP TABLE users', 'drop table reservations at noon'],
  delay: [1, 5, 'a function that makes the database wait', 'if(1=1,sleep(5),0)', 'I sleep (a lot)'],
  metadata: [1, 5, 'system tables and procedures', 'information_schema.tables', 'the information schema'],
  call: [1, 5, 'nested calls of database functions', 'concat(char(97),version())', 'round(2) and left (3)'],
  clause: [1, 5, 'ORDER BY, GROUP BY, HAVING or LIMIT after a broken value', '1 order by 10--', 'order by name'],
  trailing: [1, 5, 'an expression that ends in a comment', '1 * 1 --', 'a new list --'],
  dialect: [1, 5, 'casts and operators of one database', "1::int or '{\"a\":1}'::jsonb", 'std::string name'],
  fragment: [2, 5, 'a piece of SQL as the whole value', 'coalesce(', 'coalesce'],
  hint: [2, 5, 'a quote, then a word of SQL; a hexadecimal literal; a comparison torn off', "x' or y", "the boys' room"],
  word: [2, 5, 'a word that only SQL has, as the whole value', 'varchar', 'variable']
})
