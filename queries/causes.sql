-- Why do sign-ins fail: the error codes, what they mean, and who can act?
SELECT
  s.error_code,
  MAX(s.cause) AS cause,
  MAX(s.who_fixes) AS who_acts,
  COUNT(*) AS sign_ins,
  SUM(CASE WHEN s.verdict = 'blocked' THEN 1 ELSE 0 END) AS blocked,
  COUNT(DISTINCT s.child_tenant_id) AS customers,
  COUNT(DISTINCT s.account) AS accounts,
  MIN(s.created_at) AS first_at,
  MAX(s.created_at) AS last_at
FROM sign_ins AS s
LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id
WHERE s.flagged AND (s.side = 'inbound' OR s.side = 'outbound' AND NOT t.has_inbound)
GROUP BY s.error_code
ORDER BY sign_ins DESC, s.error_code NULLS LAST
