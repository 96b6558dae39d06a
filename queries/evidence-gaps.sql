-- Which logs cannot show everything, and which customers on your list have no log?
SELECT
  e.path AS log,
  e.exporting_tenant_id AS child_tenant_id,
  e.dialect,
  e.evidence_basis,
  e.blind_spots,
  e.records,
  e.first_at,
  e.last_at
FROM exports AS e
WHERE e.superseded_by IS NULL AND (e.blind_spots <> '' OR e.rejected > 0)
UNION ALL
SELECT
  NULL AS log,
  t.child_tenant_id,
  NULL AS dialect,
  NULL AS evidence_basis,
  'no log' AS blind_spots,
  0 AS records,
  t.first_at,
  t.last_at
FROM tenants AS t
WHERE t.listed AND NOT t.has_inbound
ORDER BY child_tenant_id NULLS LAST, log NULLS LAST
