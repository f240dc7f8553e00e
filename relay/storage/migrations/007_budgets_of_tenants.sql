-- A player is a subject of a tenant (relay/auth/identity.hpp). What of a budget "player:ada" drew is
-- now "player:7:default:ada": the tenant's length, the tenant, the subject.
--
-- Which tenant's ada drew was not written down, and no debt is forgiven: the whole sum goes to every
-- tenant in which ledger or runs know an ada, and to `default`; an anonymous one's to `anonymous`,
-- too. At the worst a namesake waits for the end of the day or month.
CREATE TEMP TABLE drawn_by_tenant AS
  SELECT 'player:' || length(known.tenant) || ':' || known.tenant || ':' || draws.name AS subject,
         draws.period, draws.drawn_picodollars
  FROM (SELECT substr(subject, 8) AS name, period, drawn_picodollars FROM budget_draws
        WHERE subject LIKE 'player:%') AS draws
  JOIN (SELECT who AS name, tenant FROM model_calls
        UNION SELECT owner, tenant FROM runs
        UNION SELECT substr(subject, 8), 'default' FROM budget_draws WHERE subject LIKE 'player:%'
        UNION SELECT substr(subject, 8), 'anonymous' FROM budget_draws
              WHERE subject LIKE 'player:anonymous:%') AS known
    ON known.name = draws.name;
DELETE FROM budget_draws WHERE subject LIKE 'player:%';
INSERT INTO budget_draws (subject, period, drawn_picodollars) SELECT * FROM drawn_by_tenant;
DROP TABLE drawn_by_tenant;

DROP INDEX model_calls_by_who;
CREATE INDEX model_calls_by_caller ON model_calls (tenant, who, ended_ms);
