import { expect, it } from 'vitest'
import { splitStatements } from './statements.ts'

it('splits at semicolons outside strings, names and comments', () => {
  const sql = `-- first; not a statement
CREATE TABLE a (x String DEFAULT 'it''s; fine', "y;z" Int8, \`w;\` Int8); /* between; */ SELECT 'a\\';b';
-- trailing; comment`
  expect(splitStatements(sql)).toEqual([
    `-- first; not a statement\nCREATE TABLE a (x String DEFAULT 'it''s; fine', "y;z" Int8, \`w;\` Int8)`,
    `/* between; */ SELECT 'a\\';b'`,
  ])
})

it('takes a last statement without a semicolon, and no empty ones', () => {
  expect(splitStatements(';; SELECT 1 ;;\n SELECT 2')).toEqual(['SELECT 1', 'SELECT 2'])
  expect(splitStatements('-- only a comment')).toEqual([])
})
