-- The shop's tables, reshaped once for all snapshots.
-- Money is held as exact decimals, so that a sum does not depend on the order of its rows and the features repeat bit by bit.

create table purchases as
select
    household_id,
    basket_id,
    store_id,
    product_id,
    quantity,
    transaction_timestamp as bought_at,
    sales_value::decimal(12, 2) as paid,
    retail_disc::decimal(12, 2) as shop_discount,
    (coupon_disc::decimal(12, 2) + coupon_match_disc::decimal(12, 2)) as coupon_discount,
    department,
    brand,
    product_category
from transactions
left join products using (product_id);

-- One row per visit; a basket has one household, one store and one time.
create table baskets as
select
    household_id,
    basket_id,
    min(bought_at) as bought_at,
    sum(paid) as paid,
    sum(quantity) as units,
    count(*) as lines
from purchases
group by household_id, basket_id;
